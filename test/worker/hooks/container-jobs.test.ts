// Jobs with `container:` in a real worker: the runner stand-in calls the container hook as actions/runner does.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ContainerSettings } from "../../../shared/protocol/worker-plane.ts";
import { type HookedJob, type HookedRun, runHookedJob } from "../support/hooked-job.ts";

const CANN = "swr.cn-southwest-2.myhuaweicloud.com/base_image/ascend-ci/cann:9.1.0-910b-ubuntu22.04-py3.12";
const ENDPOINT = "linux-aarch64-a2-{npus}";
const EQUAL: ContainerSettings = {
  endpoint: ENDPOINT,
  images: ["quay.io/ascend/cann:*", "swr.*/ascend-ci/cann:*"],
};

function run(job: HookedJob, containers: ContainerSettings = EQUAL) {
  return runHookedJob({ job, containers });
}

describe("an image that the worker's container is equal to", () => {
  it("runs the steps in place: environment, folder, shell and PATH as the workflow asks", async () => {
    await using done = await runHookedJob({
      containers: EQUAL,
      job: {
        container: { image: CANN, env: { VLLM_LOGGING_LEVEL: "ERROR", HF_HUB_OFFLINE: "1" } },
        env: { HF_HUB_OFFLINE: "0", CACHE: "/__w/_temp/cache", TEXT: "not /__w/at the start" },
        shell: "bash -el {0}",
        workingDirectory: "src",
        steps: [
          'echo "level $VLLM_LOGGING_LEVEL, offline $HF_HUB_OFFLINE, $TEXT"',
          'echo "cache $CACHE" && echo "workspace $GITHUB_WORKSPACE" && echo "home $HOME"',
          'echo "event $(test -r "$GITHUB_EVENT_PATH" && echo readable)" && pwd',
          "case $- in *e*) echo errexit;; esac && shopt -q login_shell && echo login",
        ],
      },
      prepare: ({ runnerHome }) =>
        mkdirSync(join(runnerHome, "_work/kernels/kernels/src"), { recursive: true }),
    });
    const work = join(done.worker.runnerHome, "_work");
    expect(done.steps).toEqual([
      "Set up job: success",
      "Set up runner: success",
      "Initialize containers: success",
      expect.stringMatching(/^Run echo .*: success$/),
      "Stop containers: success",
      "Complete runner: success",
      "Complete job: success",
    ]);
    expect(done.lines).toContain(`Steps run in the worker's own container, which stands for ${CANN}.`);
    expect(done.lines).toContain("level ERROR, offline 0, not /__w/at the start");
    expect(done.lines).toContain(`cache ${work}/_temp/cache`);
    expect(done.lines).toContain(`workspace ${work}/kernels/kernels`);
    expect(done.lines).toContain(`${work}/kernels/kernels/src`);
    expect(done.lines).toContain("event readable");
    expect(done.lines).toEqual(expect.arrayContaining(["errexit", "login", "home /tmp"]));
  });

  it("a failing step fails the job with its own exit code; PATH has what earlier steps added", async () => {
    const steps = ['echo "path $PATH"', "exit 7"];
    const prependPath = ["/__w/_tool/bin", "/opt/tools/bin"];
    await using done = await run({ container: { image: CANN }, prependPath, steps });
    const bin = join(done.worker.runnerHome, "_work/_tool/bin");
    expect(done.lines.find((line) => line.startsWith("path "))).toContain(`path ${bin}:/opt/tools/bin:`);
    expect(done.steps).toContain('Run echo "path $PATH": failure');
    expect(done.lines).toContain("##[error]Process completed with exit code 7.");
    expect(done.steps).toContain("Stop containers: success");
  });

  it("warns of what the pool must do instead: options, volumes; a path that is there as it is, is fine", async () => {
    await using done = await run({
      container: { image: CANN, options: "--shm-size 16g", volumes: ["/mnt/models:/models", "/etc:/etc"] },
    });
    const warnings = done.lines.filter((line) => line.startsWith("::warning"));
    expect(warnings).toEqual([
      "::warning title=Container::container.options has no effect here: --shm-size 16g",
      expect.stringContaining("/mnt/models:/models"),
    ]);
    expect(done.left("stepped")).toBe("step\n");
  });
});

/** Without container: a step needs nobody's leave. */
const INSISTENT = [
  { name: "plain", run: "echo step > stepped" },
  { name: "last", run: "echo step > stepped", if: "always()", post: "echo step > stepped" },
] as const;

function refusedAsAWhole(done: HookedRun): void {
  expect(done.left("stepped")).toBeUndefined();
  expect(done.steps).toEqual([
    "Set up job: success",
    "Set up runner: success",
    "Initialize containers: cancelled",
    ...["plain", "last", "Stop containers", "Complete runner"].map((name) => `${name}: skipped`),
    "Complete job: success",
  ]);
  expect(done.conclusion).toBe("failure");
}

describe("what fails the job before its first step", () => {
  it("another image, with the line to add to dispatch.yaml", async () => {
    await using done = await run({ container: { image: "ubuntu:24.04" }, steps: INSISTENT });
    refusedAsAWhole(done);
    const error = done.lines.find((line) => line.startsWith("::error"));
    expect(error).toContain("ubuntu:24.04");
    expect(error).toContain(`this line for ${ENDPOINT} under endpoints: in dispatch.yaml`);
    expect(error).toContain(
      'containerImages: ["quay.io/ascend/cann:*","swr.*/ascend-ci/cann:*","ubuntu:24.04"]',
    );
  });

  it("any image where the endpoint lists none, in a worker without Docker", async () => {
    await using done = await run({ container: { image: CANN } }, { endpoint: "npu", images: [] });
    expect(done.lines.join("\n")).toContain(`containerImages: ["${CANN}"]`);
    expect(done.left("stepped")).toBeUndefined();
  });

  it("services", async () => {
    for (const container of [{ image: CANN }, undefined]) {
      const services = [{ image: "redis:7" }];
      await using done = await run({ services, ...(container && { container }), steps: INSISTENT });
      refusedAsAWhole(done);
      expect(done.lines.join("\n")).toContain("cannot start services (redis:7)");
    }
  });
});

it("a docker action is refused with a sentence, in a job without container: too", async () => {
  await using done = await run({ dockerAction: "ghcr.io/acme/lint:2" });
  expect(done.steps).toContain("Run ghcr.io/acme/lint:2: failure");
  expect(done.lines.join("\n")).toContain("cannot run an action that runs in ghcr.io/acme/lint:2");
});

it("an image's own container hook comes first", async () => {
  await using done = await runHookedJob({
    containers: EQUAL,
    job: { container: { image: CANN } },
    env: { ACTIONS_RUNNER_CONTAINER_HOOKS: "/nonexistent/own.js" },
    prepare: ({ runnerHome }) => writeFileSync(join(runnerHome, "marker"), ""),
  });
  expect(done.steps).toContain("Initialize containers: failure");
  expect(done.lines.join("\n")).toContain("/nonexistent/own.js");
});
