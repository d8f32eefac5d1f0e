// Why nothing can be built here, as a sentence for the reader of the job's log.

export class BuildFault extends Error {
  override readonly name = "BuildFault";
}
