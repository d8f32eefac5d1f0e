// What a worker's folder says about it: worker.json (by its starter) and exit.json (by who saw it end).
import * as z from "zod/mini";

const identity = z.object({ pid: z.number(), startTicks: z.number() });

const workerRecord = z.object({
  /** Pids and start times below are of this boot. */
  bootId: z.string(),
  /** The dispatcher that made the folder: only it may start the process. */
  starter: identity,
  /** Missing until the process runs, and for good when the starter died before it could note it. */
  process: z.optional(identity),
  slots: z.array(z.number()),
  startedAt: z.number(),
  limitMs: z.number(),
});
export type WorkerRecord = z.infer<typeof workerRecord>;

const exitRecord = z.object({ code: z.number(), at: z.number() });

export const parseWorkerRecord = (text: string | undefined) => parse(workerRecord, text);
export const parseExitRecord = (text: string | undefined) => parse(exitRecord, text);

/** Undefined for what is not ours: a power cut may leave an empty or torn file. */
function parse<Schema extends z.ZodMiniType>(
  schema: Schema,
  text: string | undefined,
): z.infer<Schema> | undefined {
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
