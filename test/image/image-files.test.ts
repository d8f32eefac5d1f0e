// What the files of the image promise each other: versions, paths, pinned actions, the tags of a release, RunPod's form.
import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readVersions } from "../../scripts/image/versions.ts";
import { workflowFaults } from "../docs/workflow-parser.ts";
import { ROOT } from "./image-under-test.ts";

const textOf = (path: string) => readFile(join(ROOT, path), "utf8");

describe("Dockerfile.worker", async () => {
  const text = await textOf("Dockerfile.worker");
  const steps = text
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  test("its defaults are those of versions.json", async () => {
    const { base } = await readVersions(ROOT);
    const cuda = /^nvidia\/cuda:(.+)-cudnn-runtime-ubuntu24\.04$/.exec(base.gpu)?.[1];
    expect(steps).toEqual(
      expect.arrayContaining([
        `ARG CUDA_VERSION=${cuda}`,
        `ARG CANN_IMAGE=${base.npu}`,
        `FROM \${BASE_IMAGE:-\${CANN_IMAGE}} AS base-npu`,
        `FROM \${BASE_IMAGE:-nvidia/cuda:\${CUDA_VERSION}-cudnn-runtime-ubuntu24.04} AS base-gpu`,
        `FROM \${BASE_IMAGE:-${base.cpu}} AS base-cpu`,
      ]),
    );
  });

  test("docs/worker-image.md has every argument and every variable", async () => {
    const docs = await textOf("docs/worker-image.md");
    const args = steps.filter((step) => step.startsWith("ARG ")).map((step) => step.slice(4).split("=")[0]);
    const variables = steps
      .filter((step) => step.startsWith("ENV "))
      .flatMap((step) => step.slice(4).split(/\s+/))
      .map((entry) => entry.split("=")[0]);
    // The first is the builder's, the others say when and of what: nobody sets them by hand.
    const own = ["TARGETARCH", "IMAGE_REVISION", "IMAGE_CREATED"];
    const missing = [...args, ...variables].filter(
      (name = "") => !own.includes(name) && !docs.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
    expect(variables).toContain("RUNNER_HOME");
  });

  test("has the arguments of RunPod's own worker", () => {
    for (const name of ["BUILD_TYPE", "RUNNER_VERSION", "CUDA_VERSION", "KANIKO_VERSION"])
      expect(steps.map((step) => step.split("=")[0])).toContain(`ARG ${name}`);
  });

  test("copies from the work tree only what is there or built, and what its ignore file lets in", async () => {
    const ignore = (await textOf("Dockerfile.worker.dockerignore")).split("\n");
    const sources = steps
      .filter((step) => step.startsWith("COPY ") && !step.includes("--from="))
      .flatMap((step) => step.split(/\s+/).slice(1, -1))
      .filter((word) => !word.startsWith("--"));
    expect(sources).toContain("dist/worker/main.mjs");
    for (const source of sources) {
      expect(ignore).toContain(`!${source.split("/").slice(0, 2).join("/")}`);
      if (!source.startsWith("dist/")) await access(join(ROOT, source));
    }
  });

  test("downloads by fetch.sh only, which checks, and asks for no front end", () => {
    expect(steps.filter((step) => /^ADD |curl|wget|git clone/.test(step))).toEqual([]);
    expect(text).not.toMatch(/^# syntax=/m);
  });

  test("its comment of the user numbers is true for the copied runner", async () => {
    expect(await textOf("worker/image/build/add-users.sh")).toContain("add runner 1001 ");
    expect(steps).toContain("COPY --from=downloads --chown=1001:1001 /out/runner/ /home/runner/");
  });
});

type Workflow = {
  readonly permissions: unknown;
  readonly jobs: {
    readonly [name: string]: {
      readonly permissions?: unknown;
      readonly strategy?: { readonly matrix: { readonly include: readonly { readonly file: string }[] } };
      readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[];
    };
  };
};

describe.each(["release-image.yml", "runner-freshness.yml"])("%s", (name) => {
  test("is valid, pins every action by commit, splices nothing into a shell, and may only read by default", async () => {
    const text = await textOf(`.github/workflows/${name}`);
    expect(await workflowFaults(name, text)).toEqual([]);
    const { permissions, jobs } = parse(text) as Workflow;
    expect(permissions).toEqual({ contents: "read" });
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    for (const { uses = "", run = "" } of steps) {
      if (uses !== "") expect(uses).toMatch(/^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/);
      expect(run).not.toContain("${{");
    }
  });
});

describe("the tags of the release workflow", async () => {
  const { jobs } = parse(await textOf(".github/workflows/release-image.yml")) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const script = steps.find(({ run = "" }) => run.includes("GITHUB_OUTPUT"))?.run ?? "";

  const tagsOf = async (env: { readonly [name: string]: string }): Promise<string | undefined> => {
    const folder = await mkdtemp(join(tmpdir(), "release-tags-"));
    try {
      const output = join(folder, "output");
      await writeFile(output, "");
      const variables = {
        PATH: process.env["PATH"],
        REPOSITORY: "Octo/npu-dispatch",
        NAME: "-worker",
        SUFFIX: "-npu",
        ...env,
      };
      await promisify(execFile)("bash", ["-eo", "pipefail", "-c", script], {
        env: { ...variables, GITHUB_OUTPUT: output },
      });
      return /^tags=(.*)$/m.exec(await readFile(output, "utf8"))?.[1];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const image = "ghcr.io/octo/npu-dispatch-worker";

  test("a push is dev, a release its version and latest, a preview its version only", async () => {
    expect(await tagsOf({ EVENT: "push" })).toBe(`${image}:dev-npu`);
    expect(await tagsOf({ EVENT: "release", RELEASE: "v1.2.3", PREVIEW: "false" })).toBe(
      `${image}:v1.2.3-npu,${image}:latest-npu`,
    );
    expect(await tagsOf({ EVENT: "release", RELEASE: "v1.3.0-rc.1", PREVIEW: "true" })).toBe(
      `${image}:v1.3.0-rc.1-npu`,
    );
  });

  test("the dispatcher's have no variant", async () => {
    expect(await tagsOf({ EVENT: "push", NAME: "", SUFFIX: "" })).toBe("ghcr.io/octo/npu-dispatch:dev");
  });

  test("each entry names a file that there is, and the dispatcher's is one of them", async () => {
    const files = Object.values(jobs).flatMap(
      ({ strategy }) => strategy?.matrix.include.map(({ file }) => file) ?? [],
    );
    expect(files).toContain("deploy/dispatcher/Dockerfile");
    for (const file of files) await access(join(ROOT, file));
  });

  test("another form of tag stops it", async () => {
    await expect(tagsOf({ EVENT: "release", RELEASE: "1.2.3;id", PREVIEW: "false" })).rejects.toThrow();
  });

  test("each image has an SBOM and full provenance, for both architectures", () => {
    const build = steps.find(({ uses = "" }) => uses.startsWith("docker/build-push-action@"));
    expect(build?.with).toMatchObject({
      sbom: true,
      provenance: "mode=max",
      platforms: "linux/amd64,linux/arm64",
    });
  });
});

describe(".runpod", () => {
  test("hub.json has the fields that RunPod's hub requires, and asks for what the worker reads", async () => {
    const hub = JSON.parse(await textOf(".runpod/hub.json"));
    expect(hub).toMatchObject({ type: "serverless", category: "language" });
    expect(hub.config).toMatchObject({ runsOn: "GPU", gpuCount: 1, containerDiskInGb: expect.any(Number) });
    expect(hub.config.gpuIds).toMatch(/^\w+(,\w+)*$/);
    const docs = await textOf("docs/worker.md");
    for (const { key } of hub.config.env) expect(docs).toContain(`\`${key}\``);
  });

  test("tests.json has an input in the form of the seed's handler, without a real token", async () => {
    const { tests, config } = JSON.parse(await textOf(".runpod/tests.json"));
    expect(tests).toEqual([
      expect.objectContaining({
        input: { github_pat: "not-a-token", github_org: "octo-org" },
        timeout: expect.any(Number),
      }),
    ]);
    expect(config).toMatchObject({ gpuTypeId: expect.any(String), gpuCount: 1 });
  });

  test("handler.py starts what the image starts", async () => {
    const [, start = ""] = /ENTRYPOINT (\[.*\])/.exec(await textOf("Dockerfile.worker")) ?? [];
    expect(await textOf(".runpod/handler.py")).toContain(`START = ${start}`);
  });
});
