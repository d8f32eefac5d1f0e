// What RunPod's GitHub worker promises in its README (worker-github_runner), row by row, and each of its weaknesses.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { parseScope, pathOf } from "../../shared/domain/runner-scope.ts";
import { siteUrl } from "../../shared/protocol/github-api.ts";
import { readConfig } from "../../worker/config.ts";
import { runnerEnvironment } from "../../worker/runner/runner-env.ts";
import { chooseRegistration } from "../../worker/runner/runner-plan.ts";
import { asUser } from "../../worker/runner/runner-user.ts";
import { PAT, runSeed, type SeedRun } from "./seed-run.ts";

const ROOT = join(import.meta.dirname, "../..");
const textOf = (path: string) => readFileSync(join(ROOT, path), "utf8");
const dockerfile = textOf("Dockerfile.worker");
const versions = JSON.parse(textOf("worker/image/versions.json")) as {
  readonly runner: { readonly version: string };
  readonly kaniko: { readonly version: string };
  readonly base: Readonly<Record<"npu" | "gpu" | "cpu", string>>;
};

/** By input, for an organization; and by environment, for a repository, as a pod without a name. */
let byInput: SeedRun;
let byEnvironment: SeedRun;
beforeAll(async () => {
  const leaky = { GITHUB_PAT: "ghp_of_the_environment", GITHUB_ORG: "globex", RUNNER_ALLOW_RUNASROOT: "1" };
  const input = { github_pat: PAT, github_org: "acme", seed: 7, quoted: "it's" };
  const env = { GITHUB_PAT: PAT, GITHUB_ORG: "octo/widgets", RUNPOD_POD_ID: "" };
  [byInput, byEnvironment] = await Promise.all([runSeed({ input, env: leaky }), runSeed({ env })]);
}, 60_000);

describe("variants and build arguments", () => {
  test.each(["BUILD_TYPE", "RUNNER_VERSION", "CUDA_VERSION", "KANIKO_VERSION"])(
    "%s is an argument",
    (name) => {
      expect(dockerfile).toMatch(new RegExp(`^ARG ${name}\\b`, "m"));
    },
  );

  test("BUILD_TYPE is gpu by default, CUDA_VERSION 12.6.3", () => {
    expect(dockerfile).toMatch(/^ARG BUILD_TYPE=gpu$/m);
    expect(dockerfile).toMatch(/^ARG CUDA_VERSION=12\.6\.3$/m);
  });

  test("GPU: nvidia/cuda with cuDNN on Ubuntu 24.04; CPU: ubuntu:24.04", () => {
    expect(dockerfile).toMatch(/nvidia\/cuda:\$\{CUDA_VERSION\}-cudnn-runtime-ubuntu24\.04\} AS base-gpu/);
    expect(dockerfile).toMatch(/ubuntu:24\.04\} AS base-cpu/);
    expect(versions.base).toMatchObject({
      gpu: "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04",
      cpu: "ubuntu:24.04",
    });
  });

  test("tags :dev-, :latest- and :vX.Y.Z- of each variant", () => {
    const workflow = textOf(".github/workflows/release-image.yml");
    const variants = [...workflow.matchAll(/variant: (\w+), file: Dockerfile.worker, .*suffix: -\1 /g)];
    expect(variants.map(([, name]) => name)).toEqual(["npu", "gpu", "cpu"]);
    for (const tag of [":dev$SUFFIX", ":$RELEASE$SUFFIX", ":latest$SUFFIX"]) expect(workflow).toContain(tag);
  });
});

describe("required variables, or inputs in their place", () => {
  test("GITHUB_PAT gets the registration token", () => {
    expect(byEnvironment.calls).toEqual([
      `POST /api/v3/repos/octo/widgets/actions/runners/registration-token Bearer ${PAT}`,
    ]);
  });

  test("GITHUB_ORG as owner/repo: a runner of the repository", () => {
    expect(byEnvironment.config).toContain(`${byEnvironment.url}/octo/widgets`);
  });

  test("input.github_pat and input.github_org come before the environment; an organization's name: its runner", () => {
    expect(byInput.calls).toEqual([
      `POST /api/v3/orgs/acme/actions/runners/registration-token Bearer ${PAT}`,
    ]);
    expect(byInput.config).toContain(`${byInput.url}/acme`);
  });
});

describe("variables that are set or preset", () => {
  test("RUNPOD_POD_ID is the runner's name", () => {
    expect(argument(byInput, "--name")).toBe("worker-1");
  });

  test("without it: serverless-runpod-runner, and a random part, so that two never collide", () => {
    expect(argument(byEnvironment, "--name")).toMatch(/^serverless-runpod-runner-[0-9a-f]{10}$/);
  });

  test("JOB_INPUT is the input without its secrets", () => {
    expect(byInput.steps).toContain("JOB_INPUT=");
    expect(jobInput(byInput)).toEqual({ seed: 7, quoted: "it's" });
  });

  test("RUNNER_ALLOW_RUNASROOT reaches the runner when the operator sets it", () => {
    expect(byInput.steps).toContain("RUNNER_ALLOW_RUNASROOT=1");
    expect(byEnvironment.steps.includes("RUNNER_ALLOW_RUNASROOT")).toBe(process.getuid?.() === 0);
  });

  test("DEBIAN_FRONTEND=noninteractive in the image, and for the steps", () => {
    expect(dockerfile).toContain("DEBIAN_FRONTEND=noninteractive");
    const env = runnerEnvironment({ DEBIAN_FRONTEND: "noninteractive" }, undefined, {});
    expect(env["DEBIAN_FRONTEND"]).toBe("noninteractive");
  });
});

test.each([
  "RUNPOD_WEBHOOK_GET_JOB",
  "RUNPOD_POD_ID",
  "RUNPOD_WEBHOOK_POST_OUTPUT",
  "RUNPOD_WEBHOOK_POST_STREAM",
  "RUNPOD_WEBHOOK_PING",
  "RUNPOD_AI_API_KEY",
])("%s is filtered from the runner's environment", (name) => {
  expect(byInput.steps).not.toContain(`${name}=`);
  expect(runnerEnvironment({ [name]: "x", WORKER_PASS_ENV: name }, undefined, {})[name]).toBeUndefined();
});

describe("labels", () => {
  test("runpod, the pod's id, and self-hosted by default", () => {
    expect(argument(byInput, "--labels")).toBe("runpod,worker-1");
    expect(byInput.config).not.toContain("--no-default-labels");
  });
});

describe("the course of a job", () => {
  test("register, listen, run one job, end; the worker is not used again", () => {
    expect(byInput.code).toBe(0);
    expect(byInput.phases).toEqual(["preflight", "registering", "listening", "running"]);
    expect(byInput.done).toMatchObject({ stopPod: true, output: { outcome: "ran" } });
  });

  test("the three steps are in the example workflows: POST /run, runs-on, POST /cancel", () => {
    for (const kind of ["organization", "personal"]) {
      const text = textOf(`docs/workflows/${kind}-http-request.yml`);
      expect(text).toMatch(/\/v2\/\$\{\{ secrets\.RUNPOD_ENDPOINT \}\}\/run$/m);
      expect(text).toContain("runs-on: [self-hosted, runpod]");
      expect(text).toMatch(/\/cancel\/\$\{\{ needs\.initialize_worker\.outputs\.job_id \}\}/);
    }
  });
});

describe("kaniko: calls and flags are in test/worker/kaniko", () => {
  test("the example workflow has what the seed's has: login, several tags, cache, metadata labels", () => {
    const text = textOf("docs/workflows/kaniko-build.yml");
    expect(text).toContain("/kaniko/.docker/config.json");
    expect(text.match(/--destination=/g)).toHaveLength(2);
    for (const flag of ["--dockerfile=", "--context=", "--cache=true", "--cache-repo=", "--label="]) {
      expect(text).toContain(flag);
    }
  });

  test("the command is in the image, and no Google image", () => {
    expect(dockerfile).toContain("/usr/local/bin/kaniko");
    expect(`${dockerfile}${textOf("worker/image/kaniko/sidecar.sh")}`).not.toContain("gcr.io/kaniko-project");
  });
});

describe("its weaknesses", () => {
  test("1 a runner that GitHub refuses: ours is one that may register, and watched", () => {
    const [major = 0, minor = 0] = versions.runner.version.split(".").map(Number);
    expect(major * 1_000 + minor).toBeGreaterThanOrEqual(2_329);
    expect(textOf(".github/workflows/runner-freshness.yml")).toContain("schedule:");
  });

  test("2 a PAT that travels: none is needed, and none is printed", () => {
    expect(chooseRegistration("auto", false)).toBe("jit");
    for (const run of [byInput, byEnvironment]) expect(run.output).not.toContain(PAT);
  });

  test("3 secrets in the steps' environment", () => {
    for (const { steps } of [byInput, byEnvironment]) {
      expect(steps).not.toMatch(/ghp_|^GITHUB_ORG=|^RUNPOD_/m);
    }
  });

  test("4 the environment of parent processes: another user without privileges (test/worker/hooks/hostile-job.test.ts)", () => {
    expect(dockerfile).toContain("RUNNER_USER=runner");
    const command = { program: "run.sh", args: [] };
    const { args } = asUser(command, { uid: 1001, gid: 1001, name: "runner", home: "/home/runner" });
    expect(args).toEqual(expect.arrayContaining(["--reuid=1001", "--no-new-privs"]));
  });

  it("5 shell injection", () => {
    for (const org of ["acme; id", "a$(id)", "--replace"]) expect(parseScope(org)).toBeUndefined();
  });

  test("6 JOB_INPUT as a Python repr: ours is JSON, quotes and all", () => {
    expect(jobInput(byInput)).toMatchObject({ quoted: "it's" });
  });

  test("7 --once alone can take a second job, and asks questions", () => {
    expect(byInput.config).toEqual(
      expect.arrayContaining(["--unattended", "--ephemeral", "--disableupdate"]),
    );
  });

  test("8 the shared label: the worker's own is on it too, and our action answers with it", () => {
    expect(argument(byInput, "--labels").split(",")).toContain(argument(byInput, "--name"));
    const action = parse(textOf(".github/actions/initialize/action.yml")) as { outputs: object };
    expect(Object.keys(action.outputs)).toEqual(expect.arrayContaining(["job-id", "label"]));
  });

  test("9 removal with a remove token, 10 stopping a runner that waits", { timeout: 60_000 }, async () => {
    const input = { github_pat: PAT, github_org: "acme" };
    const run = await runSeed({ input, run: "run-waits.sh", drain: true });
    expect(run.calls.at(-1)).toContain("/orgs/acme/actions/runners/remove-token");
    expect(run.removal).toBe("remove\n");
    expect(run.code).toBe(0);
  });

  test("10 logs only after the end: each line of the runner is in the pool's log", () => {
    expect(byInput.output).toMatch(/"runner-line".*Running job: build/);
  });

  test("11 a bad PAT fails the job with GitHub's word, not COMPLETED", { timeout: 60_000 }, async () => {
    const run = await runSeed({ input: { github_pat: PAT, github_org: "acme" }, status: 401 });
    expect(run.code).not.toBe(0);
    expect(run.done?.error).toContain("Bad credentials");
    expect(run.done?.output).toMatchObject({ outcome: "registration-refused" });
  });

  test("12 answers spliced into a shell: read as an expression; repositories and enterprise servers too", () => {
    const text = textOf("docs/workflows/organization-http-request.yml");
    expect(text).toContain("fromJSON(steps.start_job.outputs.response).id");
    const scope = { type: "repository", owner: "octo", repo: "widgets" } as const;
    expect(`${siteUrl("https://ghes.acme.com/api/v3")}/${pathOf(scope)}`).toBe(
      "https://ghes.acme.com/octo/widgets",
    );
  });
});

test("what is missing in the environment is said by name, all at once", () => {
  const read = readConfig({}, "/", "own");
  expect(read.ok ? [] : read.faults.map((fault) => fault.split(" ")[0])).toEqual([
    "RUNPOD_WEBHOOK_GET_JOB",
    "RUNPOD_WEBHOOK_POST_OUTPUT",
    "RUNPOD_WEBHOOK_PING",
    "RUNPOD_AI_API_KEY",
  ]);
});

function argument({ config }: SeedRun, flag: string): string {
  return config[config.indexOf(flag) + 1] ?? "";
}

function jobInput({ steps }: SeedRun): unknown {
  return JSON.parse(/^JOB_INPUT=(.*)$/m.exec(steps)?.[1] ?? "null");
}
