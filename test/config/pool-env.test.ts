// What an operator names under env of a pool or an endpoint reaches the job, or is refused with a sentence.
import { expect, test } from "vitest";
import { createWorkerEnv } from "../../functions/worker-env.ts";
import { parseConfig } from "../../shared/config/parse.ts";
import { endpointName, poolName } from "../../shared/domain/ids.ts";
import { runnerEnvironment } from "../../worker/runner/runner-env.ts";
import { aWorker } from "../domain/builders.ts";

const pools = (env: string) => `pools: {p: {driver: docker, kind: npu, env: {${env}}}}`;

/** What a job of endpoint e sees, whose worker's container has the variables of pool and start. */
function jobSees(poolEnv: string, endpointEnv = ""): { readonly [name: string]: string } {
  const parsed = parseConfig(`${pools(poolEnv)}\nendpoints: [{name: e, pool: p, env: {${endpointEnv}}}]`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { config } = parsed;
  const tokens = { sign: () => "token", verify: () => undefined };
  const start = createWorkerEnv(
    "http://d",
    tokens,
    config,
  )(aWorker({ pool: poolName("p"), endpoint: endpointName("e") }));
  const identity = { name: "runner", home: "/home/runner" };
  return runnerEnvironment({ ...config.pools[0]?.env, ...start }, identity, {});
}

test.each([
  "GOPROXY",
  "NPM_CONFIG_REGISTRY",
  "npm_config_registry",
  "MODELSCOPE_CACHE",
  "CARGO_HOME",
  "CONDA_PKGS_DIRS",
  "TRANSFORMERS_CACHE",
  "VLLM_USE_MODELSCOPE",
  "AWS_ENDPOINT_URL",
  "JAVA_HOME",
  "WORKER_COUNT",
  "RUNNER_TOOL_CACHE",
  "GITHUB_ACTIONS_RUNNER_TLS_NO_VERIFY",
  "NODE_OPTIONS",
  "READ_ONLY_TOKEN",
  "HOME",
  "X",
])("%s of a pool or an endpoint reaches the job", (name) => {
  expect(jobSees(`${name}: of the pool`)[name]).toBe("of the pool");
  expect(jobSees("", `${name}: of the endpoint`)[name]).toBe("of the endpoint");
});

test("what is listed by hand is kept, and the worker's own secrets stay its own", () => {
  const env = jobSees("GOPROXY: g, WORKER_PASS_ENV: 'RUNPOD_AI_API_KEY, IMAGE_OWN'");
  expect(env).toMatchObject({ GOPROXY: "g" });
  expect(env["RUNPOD_AI_API_KEY"]).toBeUndefined();
  expect(env["WORKER_PASS_ENV"]).toBeUndefined();
  expect(
    runnerEnvironment({ IMAGE_OWN: "i", WORKER_PASS_ENV: "GOPROXY,IMAGE_OWN" }, undefined, {}),
  ).toMatchObject({
    IMAGE_OWN: "i",
  });
});

test.each([
  ["RUNPOD_POD_ID", /dispatcher sets/],
  ["RUNPOD_AI_API_KEY", /dispatcher sets/],
  ["WORKER_DIR", /dispatcher sets/],
  ["WORKER_RESULT_FILE", /dispatcher sets/],
  ["NPU_DISPATCH_WORKER", /dispatcher sets/],
  ["ASCEND_VISIBLE_DEVICES", /dispatcher sets/],
  ["CUDA_VISIBLE_DEVICES", /dispatcher sets/],
  ["GITHUB_SHA", /runner sets/],
  ["GITHUB_WORKSPACE", /runner sets/],
  ["RUNNER_TEMP", /runner sets/],
  ["CI", /runner sets/],
  ["JOB_INPUT", /runner sets/],
  ["ACTIONS_RUNNER_INPUT_TOKEN", /runner sets/],
  ["GITHUB_PAT", /token/],
  ["GITHUB_TOKEN", /token/],
  ["DISPATCH_SECRET", /secret of the dispatcher/],
  ["ADMIN_KEY", /secret of the dispatcher/],
  ["GITHUB_APP_PRIVATE_KEY_FILE", /secret of the dispatcher/],
  ["RUNPOD_API_KEY", /No job is shown/],
])("%s is refused", (name, message) => {
  const endpoint = "{name: e, pool: p}";
  const expected = { message: expect.stringMatching(message), fix: expect.stringMatching(/Remove|Choose/) };
  expect(parseConfig(`${pools(`${name}: x`)}\nendpoints: [${endpoint}]`)).toMatchObject({
    faults: [{ path: `pools.p.env.${name}`, ...expected }],
  });
  expect(parseConfig(`${pools("")}\nendpoints: [{name: e, pool: p, env: {${name}: x}}]`)).toMatchObject({
    faults: [{ path: `endpoints[0].env.${name}`, ...expected }],
  });
});

test("programs have names that only a runner's jobs cannot have", () => {
  const text = (name: string) =>
    `${pools(`${name}: x`)}\nendpoints: [{name: e, pool: p, startedBy: api, command: [x]}]`;
  for (const name of ["RUNPOD_DEBUG_LEVEL", "GITHUB_TOKEN", "CI"]) {
    expect(parseConfig(text(name)), name).toMatchObject({ ok: true });
  }
  expect(parseConfig(text("RUNPOD_POD_ID"))).toMatchObject({ ok: false });
});
