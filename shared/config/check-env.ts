// What an endpoint gives its workers by env and secrets: nothing that the dispatcher gives them, nor what is its own alone.
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
    ...Object.keys(spec.env).flatMap((name) => checkName(name, `${path}.env.${name}`)),
    ...secrets.flatMap(([name, variable]) => checkSecret(name, variable, { path, spec })),
  ];
}

/** Where jobs come from and results go, and who the worker is: functions/worker-env.ts and the drivers. */
const OURS =
  /^(?:RUNPOD_(?:WEBHOOK_\w+|AI_API_KEY|POD_ID|PING_INTERVAL|ENDPOINT_ID)|WORKER_(?:RUNNER_)?DIR|NPU_DISPATCH_\w+)$/;

/** The dispatcher's secrets: whoever has one of them is the dispatcher. */
const OWN_SECRETS =
  /^(?:GITHUB_APP_PRIVATE_KEY|GITHUB_WEBHOOK_SECRET|DISPATCH_SECRET|ADMIN_KEY)(?:_PREVIOUS)?(?:_FILE)?$/;

function checkName(name: string, path: string): ConfigFault[] {
  if (!OURS.test(name)) return [];
  return [{ path, message: "The dispatcher sets this variable for each worker.", fix: "Remove it." }];
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
  return checkName(name, at);
}
