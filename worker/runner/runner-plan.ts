// From what was taken to what is registered: names, labels, where the registration comes from. Pure.
import { parseScope, pathOf, type RunnerScope } from "../../shared/domain/runner-scope.ts";
import { siteUrl } from "../../shared/protocol/github-api.ts";
import type {
  ContainerSettings,
  DispatchSettings,
  PolicySettings,
  TakenJob,
} from "../../shared/protocol/worker-plane.ts";
import type { WorkerConfig } from "../config.ts";

export type RunnerPlan = {
  readonly name: string;
  readonly url: string;
  readonly labels: readonly string[];
  readonly runnerGroup: string | undefined;
  readonly defaultLabels: boolean;
  readonly cards: number;
  /** What the started hook refuses; undefined: nothing. */
  readonly policy: PolicySettings | undefined;
  /** Images whose jobs may run in this container; undefined: none. */
  readonly containers: ContainerSettings | undefined;
  readonly source: RegistrationSource;
  /** The job's input without secrets: what a step may read. */
  readonly input: unknown;
};

type RegistrationSource =
  | { readonly type: "dispatcher"; readonly kind: "token" | "jit" }
  | { readonly type: "github"; readonly scope: RunnerScope; readonly pat: string };

export type PlanOutcome =
  | { readonly ok: true; readonly plan: RunnerPlan }
  | { readonly ok: false; readonly message: string };

/** `separateUser`: the runner runs under another uid than the worker. */
export function planRunner(job: TakenJob, config: WorkerConfig, separateUser: boolean): PlanOutcome {
  const { pat, org, input } = splitInput(job.input);
  const settings = job.dispatch;
  const ownPat = pat ?? (settings ? undefined : config.githubPat);
  if (ownPat !== undefined) return planWithPat(ownPat, org ?? config.githubOrg, settings, config, input);
  if (!settings) {
    const message = "The dispatcher sent no runner settings, and there is no github_pat in the job's input.";
    return {
      ok: false,
      message: `${message} Send github_pat and github_org, or set GITHUB_PAT and GITHUB_ORG.`,
    };
  }
  const kind = chooseRegistration(settings.registration, separateUser);
  return { ok: true, plan: { ...fromSettings(settings), source: { type: "dispatcher", kind }, input } };
}

/**
 * `auto`: a job that can read the worker's memory and files (same uid) shall find a single-use JIT config there and not a
 * token that registers runners for an hour; where it cannot, the cached token saves GitHub a call per job.
 */
export function chooseRegistration(
  setting: "token" | "jit" | "auto",
  separateUser: boolean,
): "token" | "jit" {
  if (setting !== "auto") return setting;
  return separateUser ? "token" : "jit";
}

/** Secrets of a job's input, for the mask. */
export function inputSecrets(job: TakenJob): readonly string[] {
  const { pat } = splitInput(job.input);
  return pat === undefined ? [] : [pat];
}

function planWithPat(
  pat: string,
  org: string | undefined,
  settings: DispatchSettings | undefined,
  config: WorkerConfig,
  input: unknown,
): PlanOutcome {
  const scope = parseScope(org ?? "");
  if (!scope || !/^[\x21-\x7e]+$/.test(pat)) {
    const wanted =
      "an organization (acme) or a repository (acme/widgets) in github_org and a token in github_pat";
    return { ok: false, message: `The worker needs ${wanted}; what was given is neither.` };
  }
  const base = settings
    ? fromSettings(settings)
    : {
        name: config.workerId,
        // The labels of RunPod's own GitHub worker, which existing workflows ask for with self-hosted.
        labels: ["runpod", config.workerId],
        runnerGroup: undefined,
        defaultLabels: true,
        cards: 0,
        policy: undefined,
        containers: undefined,
      };
  const url = `${siteUrl(config.githubApiUrl)}/${pathOf(scope)}`;
  return { ok: true, plan: { ...base, url, source: { type: "github", scope, pat }, input } };
}

function fromSettings(settings: DispatchSettings) {
  return {
    name: settings.runnerName,
    url: settings.url,
    labels: settings.labels,
    runnerGroup: settings.runnerGroup,
    defaultLabels: settings.defaultLabels,
    cards: settings.cards,
    policy: settings.policy,
    containers: settings.containers,
  };
}

function splitInput(input: unknown): { pat: string | undefined; org: string | undefined; input: unknown } {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return { pat: undefined, org: undefined, input };
  }
  const { github_pat: pat, github_org: org, ...rest } = input as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  return { pat: text(pat), org: text(org), input: rest };
}
