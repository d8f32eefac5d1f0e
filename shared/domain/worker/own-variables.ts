// Names of environment variables that are not an operator's to give: what sets them, and what no job is shown.

/** Of a worker or of RunPod, or a token: no job of a runner is given these, whoever names them. */
export function isNeverGiven(name: string): boolean {
  return NEVER_GIVEN.test(name);
}

/** Undefined: nobody but the operator sets the variable. `runs`: what its workers run. */
export function setterOf(name: string, runs: "jobs" | "programs"): "dispatcher" | "runner" | undefined {
  if (BY_DISPATCHER.test(name)) return "dispatcher";
  return runs === "jobs" && BY_RUNNER.test(name) ? "runner" : undefined;
}

const NEVER_GIVEN =
  /^(?:RUNPOD_\w*|GITHUB_PAT|GITHUB_TOKEN|ACTIONS_RUNNER_INPUT_\w*|DISPATCH_SECRET\w*|WORKER_(?:RUNNER_)?DIR|WORKER_(?:RESULT_FILE|USER|PASS_ENV)|JOB_INPUT)$/i;

/** Where jobs come from and results go, who the worker is, its cards: functions/worker-env.ts and the drivers. */
const BY_DISPATCHER =
  /^(?:RUNPOD_(?:WEBHOOK_\w+|AI_API_KEY|POD_ID|PING_INTERVAL|ENDPOINT_ID)|WORKER_(?:RUNNER_)?DIR|WORKER_RESULT_FILE|NPU_DISPATCH_WORKER|(?:ASCEND|ASCEND_RT|NVIDIA|CUDA)_VISIBLE_DEVICES)$/;

/**
 * actions/runner for each job, over what it finds; and what its worker tells it:
 * https://docs.github.com/actions/reference/workflows-and-actions/variables. RUNNER_TOOL_CACHE it reads.
 */
const BY_RUNNER = new RegExp(
  `^(?:${[
    "CI|JOB_INPUT|ACTIONS_RUNNER_INPUT_\\w*|RUNNER_MANUALLY_TRAP_SIG|ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE",
    "GITHUB_(?:ACTIONS?|ACTION_(?:PATH|REF|REPOSITORY)|ACTOR(?:_ID)?|BASE_REF|ENV|EVENT_(?:NAME|PATH)|GRAPHQL_URL|HEAD_REF|JOB)",
    "GITHUB_(?:OUTPUT|PATH|REF(?:_NAME|_PROTECTED|_TYPE)?|REPOSITORY(?:_ID|_OWNER|_OWNER_ID)?|RETENTION_DAYS|SERVER_URL|SHA|STATE)",
    "GITHUB_(?:RUN_(?:ATTEMPT|ID|NUMBER)|STEP_SUMMARY|TRIGGERING_ACTOR|WORKFLOW(?:_REF|_SHA)?|WORKSPACE)",
    "RUNNER_(?:ARCH|ENVIRONMENT|NAME|OS|TEMP|TRACKING_ID|WORKSPACE)",
    "ACTIONS_(?:CACHE_URL|ID_TOKEN_REQUEST_\\w+|RESULTS_URL|RUNTIME_\\w+)",
  ].join("|")})$`,
);
