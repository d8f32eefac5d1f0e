// What a runner's hook says, on its way from the worker: JSON in the ping's `started`, and in job-done's `output.ran`.
// Every text is bounded: it comes from a machine on which a stranger's job may have run.
import * as z from "zod/mini";
import type { StartedJob } from "../domain/started-job.ts";

const id = z.int().check(z.minimum(1));
const text = (maxLength: number) => z.string().check(z.maxLength(maxLength));

/** GitHub: 39 characters for an owner, 100 for a repository's name and a job's key, 255 bytes for a ref's last part. */
export const startedJob = z.object({
  repository: text(140).check(z.regex(/^[\w.-]+\/[\w.-]+$/)),
  repositoryId: id,
  runId: id,
  runAttempt: id,
  job: text(200),
  workflowRef: text(600),
  event: text(60),
});

/** `ranMs`: from the started hook to the completed one. */
export const ranJob = z.extend(startedJob, { ranMs: z.optional(z.number().check(z.minimum(0))) });

/** Of a ping's query; undefined for what is not the JSON that it should be. */
export function parseStarted(json: string): StartedJob | undefined {
  try {
    return startedJob.safeParse(JSON.parse(json)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
