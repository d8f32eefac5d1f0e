// What of the worker's environment the runner, and with it every step of the workflow, may see: an allow-list.
import { isNeverGiven } from "../../shared/domain/worker/own-variables.ts";
import type { Environment } from "../config.ts";

export type RunnerIdentity = { readonly name: string | undefined; readonly home: string | undefined };

/**
 * Variables of the runner. `jobInput` must be free of secrets. A value over 128 kB cannot be passed to a program: see
 * `fits`.
 */
export function runnerEnvironment(
  env: Environment,
  identity: RunnerIdentity | undefined,
  jobInput: unknown,
): Record<string, string> {
  const input = JSON.stringify(jobInput ?? {});
  return {
    ...passedVariables(env),
    ...(identity?.home && { HOME: identity.home }),
    ...(identity?.name && { USER: identity.name, LOGNAME: identity.name }),
    ...listedVariables(env),
    ...(fits(input) && { JOB_INPUT: input }),
    // Without it run.sh does not forward a signal to its listener.
    RUNNER_MANUALLY_TRAP_SIG: "1",
    // Without it a runner that is too old ends like one that did its job.
    ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1",
  };
}

/** Linux refuses a single variable of 128 KiB or more (MAX_ARG_STRLEN). */
export function fits(jobInput: string): boolean {
  return Buffer.byteLength(jobInput) < 128 * 1024 - "JOB_INPUT=".length - 1;
}

/** The allowed part of the worker's own environment, for the runner and for npu-smi. */
export function passedVariables(env: Environment): Record<string, string> {
  return {
    PATH: DEFAULT_PATH,
    ...chosen(env, (name) => ALLOWED.test(name) && !LOOKS_SECRET.test(name)),
    ...listedVariables(env),
  };
}

/** What the operator names passes even when it looks like a secret: that is the operator's word. */
function listedVariables(env: Environment): Record<string, string> {
  const listed = new Set((env["WORKER_PASS_ENV"] ?? "").split(/[\s,]+/));
  return chosen(env, (name) => listed.has(name));
}

function chosen(env: Environment, isChosen: (name: string) => boolean): Record<string, string> {
  const variables = Object.entries(env).filter(([name, value]) => {
    return value !== undefined && isChosen(name) && !isNeverGiven(name);
  });
  return Object.fromEntries(variables) as Record<string, string>;
}

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const ALLOWED = new RegExp(
  `^(?:${[
    "PATH|HOME|LANG|LANGUAGE|LC_\\w+|TZ|USER|LOGNAME|SHELL|TERM|TMPDIR",
    "https?_proxy|no_proxy|all_proxy|HTTPS?_PROXY|NO_PROXY|ALL_PROXY",
    "SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_CAINFO",
    // Ascend devices and toolkit, as set by CANN's set_env.sh.
    "ASCEND_\\w+|NPU_\\w+|ATB_\\w+|HCCL_\\w+|TOOLCHAIN_HOME|ASDOPS_\\w+|LCCL_\\w+|LCAL_\\w+|TASK_QUEUE_ENABLE",
    "CUDA_\\w+|NVIDIA_\\w+|LD_LIBRARY_PATH|LD_PRELOAD|PYTHONPATH|CMAKE_PREFIX_PATH",
    "RUNNER_ALLOW_RUNASROOT|ACTIONS_RUNNER_HOOK_\\w+|ACTIONS_RUNNER_CONTAINER_HOOKS|ACTIONS_RUNNER_REQUIRE_JOB_CONTAINER",
    "KANIKO_\\w+|BUILDKIT_HOST",
    "ImageOS|UV_\\w+|PIP_\\w+|HF_\\w+|DEBIAN_FRONTEND",
  ].join("|")})$`,
);

const LOOKS_SECRET = /(?:SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_KEY|API_KEY)|(?:^|_)PAT(?:_|$)/i;
