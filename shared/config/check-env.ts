// What pools and endpoints give their workers by env and secrets: nothing that the dispatcher gives them, nor what is its own alone.
import { isNeverGiven, setterOf } from "../domain/worker/own-variables.ts";
import type { ConfigFault } from "./config.ts";
import type { Entry } from "./draft.ts";
import type { EndpointSpec } from "./schema.ts";

export function checkEnv({ path, spec }: Entry<EndpointSpec>): ConfigFault[] {
  const secrets = Object.entries(spec.secrets);
  if (secrets.length > 0 && spec.command === undefined) {
    const message = "Only a program of the operator's own is given secrets; these would be any job's.";
    return [
      { path: `${path}.secrets`, message, fix: "Add a command, or remove secrets: GitHub has its own." },
    ];
  }
  return [
    ...checkNames(spec.env, { path: `${path}.env`, runs: spec.command ? "programs" : "jobs" }),
    ...secrets.flatMap(([name, variable]) => checkSecret(name, variable, { path, spec })),
  ];
}

/** The dispatcher's secrets: whoever has one of them is the dispatcher. */
const OWN_SECRETS =
  /^(?:GITHUB_APP_PRIVATE_KEY|GITHUB_WEBHOOK_SECRET|DISPATCH_SECRET|ADMIN_KEY)(?:_PREVIOUS)?(?:_FILE)?$/;

/** GitHub's own tokens besides: whoever may run a job could read them. */
const TOKENS = /^GITHUB_(?:PAT|TOKEN)$/;

/** `path`: of the env. */
export function checkNames(
  env: { readonly [name: string]: string },
  { path, runs }: { readonly path: string; readonly runs: "jobs" | "programs" },
): ConfigFault[] {
  return Object.keys(env).flatMap((name) => checkName(name, `${path}.${name}`, runs));
}

function checkName(name: string, path: string, runs: "jobs" | "programs"): ConfigFault[] {
  const fault = (message: string, fix = "Remove it.") => [{ path, message, fix }];
  if (OWN_SECRETS.test(name)) {
    return fault("Every job could read this secret of the dispatcher.", "Remove it; workers do not need it.");
  }
  const setter = setterOf(name, runs);
  if (setter === "dispatcher") return fault("The dispatcher sets this variable for each worker.");
  if (setter === "runner") return fault("actions/runner sets this variable for each job, over any other.");
  if (runs === "programs") return [];
  if (TOKENS.test(name)) {
    return fault(
      "Every job could read this token.",
      "Remove it: the dispatcher's App registers its runners, and a job has a token of its own.",
    );
  }
  // The worker reads these itself.
  if (isSetting(name) || !isNeverGiven(name)) return [];
  return fault("No job is shown a variable of this name: RunPod's are the worker's own.", "Choose another.");
}

function isSetting(name: string): boolean {
  return name === "WORKER_USER" || name === "WORKER_PASS_ENV";
}

function checkSecret(name: string, variable: string, { path, spec }: Entry<EndpointSpec>): ConfigFault[] {
  const at = `${path}.secrets.${name}`;
  if (OWN_SECRETS.test(variable)) {
    const message = `${variable} is the dispatcher's own secret.`;
    return [{ path: at, message, fix: "Give the program a secret of its own, in a variable of its own." }];
  }
  if (name in spec.env) {
    return [{ path: at, message: `${name} is under env too.`, fix: "Remove one of them." }];
  }
  return checkName(name, at, "programs");
}
