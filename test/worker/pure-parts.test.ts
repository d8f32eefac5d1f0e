import { describe, expect, it } from "vitest";
import type { TakenJob } from "../../shared/protocol/worker-plane.ts";
import { readConfig } from "../../worker/config.ts";
import { proxyFor } from "../../worker/dispatcher/proxy.ts";
import { configCommand } from "../../worker/runner/runner-command.ts";
import { runnerEnvironment } from "../../worker/runner/runner-env.ts";
import { planRunner } from "../../worker/runner/runner-plan.ts";
import { createUrls } from "../../worker/urls.ts";
import { SETTINGS } from "./support/dispatcher-stub.ts";
import { workerEnvironment } from "./support/start-worker.ts";

describe("URL templates", () => {
  it.each(["?gpu=NPU", ""])("with %j", (query) => {
    const base = "https://d.example/v2/npu";
    const urls = createUrls(
      {
        getJob: `${base}/job-take/$ID${query}`,
        postOutput: `${base}/job-done/$RUNPOD_POD_ID/$ID${query}`,
        ping: `${base}/ping/$RUNPOD_POD_ID${query}`,
      },
      "w-1",
    );
    const glue = query === "" ? "?" : `${query}&`;
    expect(urls.take("b1")).toBe(`${base}/job-take/w-1${glue}boot=b1&job_in_progress=0`);
    expect(urls.registration("b1", "jit", 2)).toBe(
      `${base}/registration/w-1${glue}boot=b1&registration=jit&ask=2`,
    );
    expect(urls.done("gh/7")).toBe(`${base}/job-done/w-1/gh%2F7${glue}isStream=false`);
    expect(urls.ping({ jobId: "gh-7", phase: "running", jobName: "a b&c", started: undefined })).toBe(
      `${base}/ping/w-1${glue}job_id=gh-7&phase=running&job_name=a+b%26c`,
    );
  });
});

describe("the configuration", () => {
  const BAD_IDS = { RUNPOD_POD_ID: "a b", RUNNER_USER: "a b" };

  it("has defaults", () => {
    const read = readConfig(workerEnvironment("http://d"), "/work", "own-id");
    expect(read).toMatchObject({
      ok: true,
      config: {
        runnerHome: "/home/runner",
        runnerHomeShared: false,
        workDir: "/work",
        runnerDir: undefined,
        githubApiUrl: "https://api.github.com",
      },
    });
  });

  it("names every fault and no value", () => {
    const read = readConfig(
      { ...BAD_IDS, RUNPOD_AI_API_KEY: "two\nlines", RUNPOD_WEBHOOK_GET_JOB: "ftp://secret" },
      "/",
      "own-id",
    );
    const text = read.ok ? "" : read.faults.join("\n");
    for (const name of ["GET_JOB", "POST_OUTPUT", "PING", "AI_API_KEY", "POD_ID", "RUNNER_USER"])
      expect(text).toContain(name);
    expect(text).not.toMatch(/two|secret/);
  });
});

describe("the runner's environment", () => {
  const given = (name: string, extra = {}) =>
    runnerEnvironment({ [name]: "x", ...extra }, undefined, {})[name];

  it.each([
    ...[
      "PATH",
      "HOME",
      "LANG",
      "LC_ALL",
      "TZ",
      "USER",
      "SHELL",
      "http_proxy",
      "HTTPS_PROXY",
      "no_proxy",
      "SSL_CERT_FILE",
    ],
    ...[
      "ASCEND_HOME_PATH",
      "ASCEND_VISIBLE_DEVICES",
      "NPU_DISPATCH_SIMULATED_CARDS",
      "CUDA_VISIBLE_DEVICES",
      "NVIDIA_VISIBLE_DEVICES",
    ],
    ...["LD_LIBRARY_PATH", "PYTHONPATH", "ATB_HOME_PATH", "HCCL_CONNECT_TIMEOUT", "RUNNER_ALLOW_RUNASROOT"],
    ...[
      "ACTIONS_RUNNER_HOOK_JOB_STARTED",
      "KANIKO_BACKEND",
      "BUILDKIT_HOST",
      "ImageOS",
      "UV_INDEX_URL",
      "PIP_INDEX_URL",
      "HF_ENDPOINT",
    ],
  ])("has %s", (name) => expect(given(name)).toBe("x"));

  it.each([
    ...[
      "RUNPOD_AI_API_KEY",
      "RUNPOD_POD_ID",
      "RUNPOD_ENDPOINT_ID",
      "GITHUB_PAT",
      "GITHUB_ORG",
      "GITHUB_TOKEN",
      "WORKER_DIR",
    ],
    ...[
      "ACTIONS_RUNNER_INPUT_TOKEN",
      "AWS_SECRET_ACCESS_KEY",
      "HF_TOKEN",
      "UV_PUBLISH_PASSWORD",
      "NODE_OPTIONS",
      "DISPATCH_SECRET",
    ],
  ])("has no %s", (name) => expect(given(name)).toBeUndefined());

  it("has what the operator lists, but never the worker's own secrets", () => {
    const listed = { WORKER_PASS_ENV: "HF_TOKEN, MY_VAR RUNPOD_AI_API_KEY GITHUB_PAT" };
    expect(given("HF_TOKEN", listed)).toBe("x");
    expect(given("MY_VAR", listed)).toBe("x");
    expect(given("RUNPOD_AI_API_KEY", listed)).toBeUndefined();
    expect(given("GITHUB_PAT", listed)).toBeUndefined();
  });

  it("has the job's input as JSON, unless Linux would refuse it", () => {
    expect(runnerEnvironment({}, undefined, { a: "é" })["JOB_INPUT"]).toBe('{"a":"é"}');
    expect(runnerEnvironment({}, undefined, null)["JOB_INPUT"]).toBe("{}");
    expect(runnerEnvironment({}, undefined, "x".repeat(131_072))["JOB_INPUT"]).toBeUndefined();
  });
});

describe("the plan", () => {
  const read = readConfig(
    { ...workerEnvironment("http://d"), GITHUB_PAT: "ghp_env", GITHUB_ORG: "env-org" },
    "/",
    "own-id",
  );
  if (!read.ok) throw new Error("the test's configuration is wrong");
  const plan = (job: Partial<TakenJob>) => planRunner({ id: "j", input: {}, ...job }, read.config, false);

  it("follows the dispatcher's settings, whatever the environment has", () => {
    expect(plan({ dispatch: SETTINGS })).toMatchObject({
      plan: {
        name: "npd-worker-1",
        source: { type: "dispatcher", kind: "token" },
        url: "https://github.com/acme",
      },
    });
  });

  it("prefers the input's token, then the environment's", () => {
    expect(plan({})).toMatchObject({ plan: { source: { pat: "ghp_env", scope: { org: "env-org" } } } });
    const input = { github_pat: "ghp_in", github_org: "in/repo", x: 1 };
    expect(plan({ input })).toMatchObject({
      plan: { source: { pat: "ghp_in", scope: { repo: "repo" } }, input: { x: 1 } },
    });
    expect(plan({ input, dispatch: SETTINGS })).toMatchObject({
      plan: {
        source: { type: "github", pat: "ghp_in" },
        url: "https://github.com/in/repo",
        labels: SETTINGS.labels,
      },
    });
  });

  it("keeps default labels and groups out of config.sh unless asked for", () => {
    const made = plan({ dispatch: { ...SETTINGS, defaultLabels: true, runnerGroup: undefined } });
    const { args } = configCommand("/r", made.ok ? made.plan : expect.fail("no plan"));
    expect(args).not.toContain("--no-default-labels");
    expect(args).not.toContain("--runnergroup");
  });
});

describe("the proxy", () => {
  it.each([
    ["https://api.github.com/x", { HTTPS_PROXY: "http://p:1" }, "http://p:1/"],
    ["https://api.github.com/x", { https_proxy: "p:1" }, "http://p:1/"],
    ["https://api.github.com/x", { HTTPS_PROXY: "http://p:1", NO_PROXY: "a.b, .github.com" }, undefined],
    ["https://notgithub.com/x", { HTTPS_PROXY: "http://p:1", NO_PROXY: "github.com" }, "http://p:1/"],
    ["https://d:8443/x", { HTTPS_PROXY: "http://p:1", NO_PROXY: "d:443" }, "http://p:1/"],
    ["http://127.0.0.1:8080/x", { HTTP_PROXY: "http://p:1" }, undefined],
    ["http://d/x", { HTTPS_PROXY: "http://p:1" }, undefined],
    ["http://d/x", { HTTP_PROXY: "http://p:1", NO_PROXY: "*" }, undefined],
  ])("of %s with %j is %s", (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(proxy);
  });
});
