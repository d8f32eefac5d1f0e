// RunPod's URL templates (`$ID`, `$RUNPOD_POD_ID`) turned into the worker plane's addresses.
import type { StartedJob } from "../shared/domain/started-job.ts";
import type { PingPhase } from "../shared/protocol/worker-plane.ts";

export type Templates = { readonly getJob: string; readonly postOutput: string; readonly ping: string };

export type WorkerUrls = {
  take(bootId: string): string;
  /** `ask`: the how manieth question of this boot it is, from 1. */
  registration(bootId: string, kind: "token" | "jit", ask: number): string;
  ping(heartbeat: Heartbeat): string;
  done(jobId: string): string;
};

export type Heartbeat = {
  readonly jobId: string;
  readonly phase: PingPhase;
  readonly jobName: string | undefined;
  /** Until a ping with it was answered. */
  readonly started: StartedJob | undefined;
};

const TAKE = "/job-take/";

export function createUrls(templates: Templates, workerId: string): WorkerUrls {
  const expand = (template: string, id: string) =>
    template
      .replaceAll("$RUNPOD_POD_ID", () => encodeURIComponent(workerId))
      .replaceAll("$ID", () => encodeURIComponent(id));
  // Only in GET_JOB does `$ID` mean the worker.
  const takeBase = expand(templates.getJob, workerId);
  return {
    take: (boot) => withQuery(takeBase, { boot, job_in_progress: "0" }),
    registration: (boot, registration, ask) =>
      withQuery(takeBase.replace(TAKE, "/registration/"), { boot, registration, ask: String(ask) }),
    ping: ({ jobId, phase, jobName, started }) =>
      withQuery(expand(templates.ping, ""), {
        job_id: jobId,
        phase,
        ...(jobName && { job_name: jobName }),
        ...(started && { started: JSON.stringify(started) }),
      }),
    done: (jobId) => withQuery(expand(templates.postOutput, jobId), { isStream: "false" }),
  };
}

/** True for a template that becomes a URL of the worker plane; `marker` is the path segment it must have. */
export function isTemplate(text: string, marker = ""): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && text.includes(marker);
}

/** Templates come with a `?` (RunPod) and without (RunPod's own test emulator). */
function withQuery(url: string, query: Record<string, string>): string {
  return `${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams(query)}`;
}
