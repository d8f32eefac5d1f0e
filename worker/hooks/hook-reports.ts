// Takes what the runner's hooks report, as soon as it is there. The folder is writable by the job: its content is not
// trusted.
import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import type { RanJob, StartedJob } from "../../shared/domain/started-job.ts";
import type { Log } from "../../shared/ports/log.ts";
import { startedJob } from "../../shared/protocol/started-job.ts";
import type { WorkerClock } from "../clock.ts";
import { parseJson } from "../parse-json.ts";

export type HookNews =
  | { readonly type: "started"; readonly started: StartedJob; readonly refusal: string | undefined }
  | { readonly type: "completed"; readonly ran: RanJob };

export type HookReports = {
  /** The runner has a job: its started hook is on the way. */
  expect(): void;
  /** The runner has ended; resolves when what is left has been read. */
  end(): Promise<void>;
};

export type HookReportsDeps = {
  readonly folder: string;
  readonly clock: WorkerClock;
  readonly log: Log;
  readonly onNews: (news: HookNews) => void;
};

/** The started hook waits until its report is taken: each look that is late delays the job. */
const LOOK_MS = 100;
/** Ten times the longest real one. */
const MAX_BYTES = 16_384;

const hookReport = z.extend(startedJob, {
  at: z.number(),
  refusal: z.optional(z.string().check(z.maxLength(2_000))),
});
type HookReport = z.infer<typeof hookReport>;

export function createHookReports({ folder, clock, log, onNews }: HookReportsDeps): HookReports {
  const ended = new AbortController();
  let looking: Promise<void> | undefined;
  let started: HookReport | undefined;
  let done = false;

  return {
    expect() {
      looking ??= look();
    },
    async end() {
      ended.abort();
      await looking;
      await takeStarted();
      const completed = await take("completed");
      if (started === undefined || completed === undefined) return;
      // Who reports another job at its end than at its start has changed the report.
      const ranMs = Math.max(0, completed.at - started.at);
      onNews({ type: "completed", ran: { ...startedOf(started), ranMs } });
    },
  };

  async function look(): Promise<void> {
    while (!done && !ended.signal.aborted) {
      await takeStarted();
      if (!done) await clock.sleep(LOOK_MS, ended.signal);
    }
  }

  async function takeStarted(): Promise<void> {
    if (done) return;
    started = await take("started");
    if (started === undefined) return;
    done = true;
    onNews({ type: "started", started: startedOf(started), refusal: started.refusal });
  }

  /** Undefined while there is none, and for what is none. */
  async function take(stage: "started" | "completed"): Promise<HookReport | undefined> {
    const path = join(folder, `${stage}.json`);
    try {
      const text = await readBounded(path);
      if (text === undefined) return undefined;
      await rm(path, { recursive: true, force: true });
      const report = hookReport.safeParse(parseJson(text));
      if (report.success) return report.data;
      log.warn("hook-report-unreadable", { message: `${path} does not hold what a hook writes.` });
    } catch (error) {
      log.warn("hook-report-unreadable", { message: `${path} could not be read.`, error });
    }
    if (stage === "started") done = true;
    return undefined;
  }
}

function startedOf({ at: _at, refusal: _refusal, ...started }: HookReport): StartedJob {
  return started;
}

/** Neither a link to a file of the worker's, nor a pipe that nobody writes to, nor a file without an end is read. */
async function readBounded(path: string): Promise<string | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: FileHandle;
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  await using opened = file;
  const { size } = await opened.stat();
  if (size > MAX_BYTES) return "";
  const { buffer, bytesRead } = await opened.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
  return buffer.toString("utf8", 0, bytesRead);
}
