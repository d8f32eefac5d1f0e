// A workflow step's cancel: it ends its own repository's jobs, and none that GitHub gave its runner from another one.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { StartedJob } from "../../../shared/domain/started-job.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import { KEY_CALLER, OIDC_CALLER } from "../../domain/job/api-builders.ts";
import { aCall, createApiWorld, RUNNER, run } from "./api-world.ts";

const OWN: StartedJob = {
  repository: "Acme/kernels",
  repositoryId: 81,
  runId: 7001,
  runAttempt: 1,
  job: "build",
  workflowRef: "Acme/kernels/.github/workflows/ci.yml@refs/heads/main",
  event: "push",
};
const PAYROLL: StartedJob = { ...OWN, repository: "Acme/payroll", repositoryId: 82 };

async function cancelled(caller: ApiCaller, started: StartedJob, input: object = {}) {
  const world = createApiWorld();
  world.github.personalTokens.add("ghp_x");
  const job = await run(world, aCall(input), { endpoint: RUNNER, caller });
  await world.settle();
  const worker = world.pool.started[0]?.workerId as WorkerId;
  await takeJob(world.deps, worker, "b");
  await registerRunner(world.deps, worker, "b", "token");
  await recordPing(world.deps, worker, { phase: "running", jobName: "build", started });
  await cancelJob(world.deps, caller, RUNNER, job.id);
  await world.settle();
  expect(world.github.calls.runJobs).toBe(0);
  return { world, worker };
}

test.each([
  ["a step's, of its own repository", OIDC_CALLER, OWN, {}],
  [
    "a step's, at a place that its PAT opens",
    OIDC_CALLER,
    PAYROLL,
    { github_pat: "ghp_x", github_org: "Acme" },
  ],
  ["a key's, of any repository of its owner", KEY_CALLER, PAYROLL, {}],
])("%s: the worker is stopped", async (_name, caller, started, input) => {
  const { world, worker } = await cancelled(caller, started, input);
  expect(world.pool.stops).toMatchObject([{ workerId: worker }]);
});

test("a step's, of a job from another repository: the worker is asked, and goes on", async () => {
  const { world, worker } = await cancelled(OIDC_CALLER, PAYROLL);
  expect(world.pool.stops).toEqual([]);
  expect(await world.stores.workers.get(worker)).toMatchObject({
    state: "running",
    drain: { reason: "job-ended" },
    binding: { started: PAYROLL },
  });
});
