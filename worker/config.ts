// The environment a worker is given, parsed once; all faults at once.
import { resolve } from "node:path";
import * as z from "zod/mini";
import { PING_MS } from "../shared/domain/deadlines.ts";
import { parseJson } from "./parse-json.ts";
import { isTemplate, type Templates } from "./urls.ts";

export type Environment = { readonly [name: string]: string | undefined };

export type WorkerConfig = {
  readonly workerId: string;
  readonly endpoint: string | undefined;
  /** Sent raw as `Authorization`. */
  readonly token: string;
  readonly templates: Templates;
  readonly pingIntervalMs: number;
  /** Absolute folder of actions/runner. */
  readonly runnerHome: string;
  readonly runnerHomeShared: boolean;
  /** Absolute folder for result.json and an own copy of the runner. */
  readonly workDir: string;
  /** Absolute folder for that copy instead, where the runner's user may not enter `workDir`. */
  readonly runnerDir: string | undefined;
  /** Absolute folder beside these of all workers of the machine, for what they link to. */
  readonly keptDir: string | undefined;
  /** Of WORKER_RESULT_FILE: where the pool reads the last word of a worker that could not report. */
  readonly resultFile: string | undefined;
  readonly runnerUser: string | undefined;
  /** A check of the cards by a program of the operator's, with its arguments. */
  readonly preflightCommand: readonly string[] | undefined;
  readonly githubPat: string | undefined;
  readonly githubOrg: string | undefined;
  readonly githubApiUrl: string;
};

export type ConfigOutcome =
  | { readonly ok: true; readonly config: WorkerConfig }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * The name of a worker that nobody gave one, before its random part. RunPod's own GitHub worker is called so, without it.
 */
export const FALLBACK_ID = "serverless-runpod-runner";

/** `workingDirectory` is the default of WORKER_DIR, `ownId` of RUNPOD_POD_ID. An empty variable counts as absent. */
export function readConfig(env: Environment, workingDirectory: string, ownId: string): ConfigOutcome {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const parsed = environment.safeParse(given);
  if (!parsed.success) return { ok: false, faults: parsed.error.issues.map(toSentence) };
  const values = parsed.data;
  return {
    ok: true,
    config: {
      workerId: values.RUNPOD_POD_ID ?? ownId,
      endpoint: values.RUNPOD_ENDPOINT_ID,
      token: values.RUNPOD_AI_API_KEY,
      templates: {
        getJob: values.RUNPOD_WEBHOOK_GET_JOB,
        postOutput: values.RUNPOD_WEBHOOK_POST_OUTPUT,
        ping: values.RUNPOD_WEBHOOK_PING,
      },
      pingIntervalMs: Number(values.RUNPOD_PING_INTERVAL ?? PING_MS),
      runnerHome: resolve(workingDirectory, values.RUNNER_HOME ?? "/home/runner"),
      runnerHomeShared: values.RUNNER_HOME_SHARED === "1",
      workDir: resolve(workingDirectory, values.WORKER_DIR ?? "."),
      runnerDir: values.WORKER_RUNNER_DIR,
      keptDir: values.WORKER_KEPT_DIR,
      resultFile: values.WORKER_RESULT_FILE,
      runnerUser: values.RUNNER_USER,
      preflightCommand: parseCommand(values.PREFLIGHT_COMMAND),
      githubPat: values.GITHUB_PAT,
      githubOrg: values.GITHUB_ORG,
      githubApiUrl: (values.GITHUB_API_URL ?? "https://api.github.com").replace(/\/+$/, ""),
    },
  };
}

const optional = z.optional(z.string());
const text = (message: string, accepts: (value: string) => boolean) =>
  z.string(`is missing; it ${message}`).check(z.refine(accepts, `${message}`));

const environment = z.object({
  RUNPOD_WEBHOOK_GET_JOB: text("must be an http(s) URL with /job-take/ in it", (value) =>
    isTemplate(value, "/job-take/"),
  ),
  RUNPOD_WEBHOOK_POST_OUTPUT: text("must be an http(s) URL", (value) => isTemplate(value)),
  RUNPOD_WEBHOOK_PING: text("must be an http(s) URL", (value) => isTemplate(value)),
  // A line break would end the header.
  RUNPOD_AI_API_KEY: text("must be the worker token, one line of printable characters", (value) =>
    /^[\x21-\x7e]+$/.test(value),
  ),
  RUNPOD_POD_ID: z.optional(
    text("must be the worker id: letters, digits, _ and -, at most 64", (value) =>
      /^[A-Za-z0-9_-]{1,64}$/.test(value),
    ),
  ),
  RUNPOD_PING_INTERVAL: z.optional(
    text(
      "must be whole milliseconds, at least 100",
      (value) => /^\d{3,8}$/.test(value) && Number(value) >= 100,
    ),
  ),
  RUNPOD_ENDPOINT_ID: optional,
  RUNNER_HOME: optional,
  RUNNER_HOME_SHARED: z.optional(text("must be 0 or 1", (value) => value === "0" || value === "1")),
  WORKER_DIR: optional,
  WORKER_RUNNER_DIR: z.optional(text("must be an absolute path", (value) => value.startsWith("/"))),
  WORKER_KEPT_DIR: z.optional(text("must be an absolute path", (value) => value.startsWith("/"))),
  WORKER_RESULT_FILE: z.optional(text("must be an absolute path", (value) => value.startsWith("/"))),
  RUNNER_USER: z.optional(
    text("must be a user name or uid:gid", (value) => /^(\d+:\d+|[a-z_][a-z0-9_-]{0,31})$/i.test(value)),
  ),
  PREFLIGHT_COMMAND: z.optional(
    text(
      'must be a program and its arguments as JSON, such as ["python3", "/opt/probe.py"]',
      (value) => parseCommand(value) !== undefined,
    ),
  ),
  GITHUB_PAT: z.optional(
    text("must be one line of printable characters", (value) => /^[\x21-\x7e]+$/.test(value)),
  ),
  // Checked when it is used: a job's own github_org replaces it.
  GITHUB_ORG: optional,
  GITHUB_API_URL: z.optional(text("must be an http(s) URL", (value) => isTemplate(value))),
});

const command = z
  .array(z.string().check(z.refine((part) => !part.includes("\0"))))
  .check(z.refine(([program]) => program !== undefined && program !== ""));

function parseCommand(value: string | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : command.safeParse(parseJson(value)).data;
}

/** Names the variable, never its value: it may be a secret. */
function toSentence(issue: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  return `${issue.path.map(String).join(".")} ${issue.message}.`;
}
