// What the kernel killed in a worker's container for lack of memory, while its runner ran.

export type MemoryKills = {
  /** Processes. */
  readonly killed: number;
  /** Of the container; absent where it has none. */
  readonly limitBytes?: number | undefined;
};

/** A sentence without its full stop. */
export function describeKills({ killed, limitBytes }: MemoryKills): string {
  const who = killed === 1 ? "1 process was" : `${killed} processes were`;
  const limit = limitBytes === undefined ? "" : `; limit ${inMebibytes(limitBytes)}`;
  return `${who} killed for lack of memory${limit}`;
}

function inMebibytes(bytes: number): string {
  const mebibytes = bytes / 1_048_576;
  return mebibytes >= 10_240 ? `${Math.round(mebibytes / 1_024)} GiB` : `${Math.round(mebibytes)} MiB`;
}
