// The example workflows: valid for GitHub's own parser, served by the example configuration, and no secret in a shell.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../shared/config/parse.ts";
import { resolveEndpoint } from "../../shared/domain/admission/matching.ts";
import { workflowFaults } from "./workflow-parser.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "docs/workflows");
const NAMES = (await readdir(FOLDER))
  .filter((name) => name.endsWith(".yml"))
  .sort((a, b) => a.localeCompare(b));

type Step = { id?: string; uses?: string; run?: string; env?: unknown; with?: Record<string, unknown> };
type Job = {
  "runs-on": string | string[];
  needs?: string | string[];
  if?: string;
  permissions?: Record<string, string>;
  outputs?: Record<string, string>;
  steps: Step[];
};

const textOf = (name: string) => readFile(join(FOLDER, name), "utf8");
const jobsOf = async (name: string) => (parse(await textOf(name)) as { jobs: Record<string, Job> }).jobs;
const stepsOf = async (name: string) => Object.values(await jobsOf(name)).flatMap(({ steps }) => steps);

const BY_WEBHOOK = ["kaniko-build.yml", "webhook.yml"];

/** A `run:` with any expression in it: its value would be a part of the shell's text. */
const spliced = (steps: readonly Step[]) => steps.filter(({ run = "" }) => run.includes("${{"));

test("there is one for each way: HTTP and actions, organization and personal repository, and the webhook; and kaniko", () => {
  expect(NAMES).toEqual([
    "kaniko-build.yml",
    "organization-actions.yml",
    "organization-http-request.yml",
    "personal-actions.yml",
    "personal-http-request.yml",
    "webhook.yml",
  ]);
});

describe.each(NAMES)("%s", (name) => {
  test("is valid", async () => {
    expect(await workflowFaults(name, await textOf(name))).toEqual([]);
  });

  test("splices nothing into a shell", async () => {
    expect(spliced(await stepsOf(name))).toEqual([]);
  });

  test("gives the jobs' token no right but those named", async () => {
    expect(parse(await textOf(name))).toMatchObject({ permissions: { contents: "read" } });
  });
});

describe("what the checks find", () => {
  test.each([
    { name: "an unknown key", content: "on: push\njobs:\n  a:\n    runs_on: x\n    steps: [{run: x}]" },
    {
      name: "a need that is not there",
      content: "on: push\njobs:\n  a: {runs-on: x, needs: b, steps: [{run: x}]}",
    },
    {
      name: "a context that is not there",
      content: "on: push\njobs:\n  a: {runs-on: x, steps: [{run: x, if: nowhere.x}]}",
    },
  ])("$name", async ({ content }) => {
    expect(await workflowFaults("bad.yml", content)).not.toEqual([]);
  });

  test("a secret in a shell", () => {
    expect(spliced([{ run: `curl -H $${"{{ secrets.X }}"}` }])).toHaveLength(1);
  });
});

describe("three steps", () => {
  const threeSteps = NAMES.filter((name) => !BY_WEBHOOK.includes(name));

  test.each(threeSteps)("%s: the last one runs whatever happened, and knows the job", async (name) => {
    const [start, , end] = Object.entries(await jobsOf(name));
    const [[startName, startJob], [, endJob]] = [start!, end!];
    const output = Object.keys(startJob.outputs ?? {})[0];
    expect(endJob.if).toContain("always()");
    expect(endJob.needs).toContain(startName);
    expect(JSON.stringify(endJob.steps)).toContain(`needs.${startName}.outputs.${output}`);
  });

  test.each(threeSteps.filter((name) => name.includes("http")))(
    "%s: the id is read as JSON",
    async (name) => {
      const [start] = Object.values(await jobsOf(name));
      const step = start?.steps.find(({ uses }) => uses === "fjogeleit/http-request-action@v1");
      expect(start?.outputs?.["job_id"]).toBe(`\${{ fromJSON(steps.${step?.id}.outputs.response).id }}`);
      const data = String(step?.with?.["data"]).replaceAll(/\$\{\{.*?\}\}/g, "x");
      expect(JSON.parse(data)).toEqual({ input: { github_pat: "x", github_org: "x" } });
    },
  );

  test.each(threeSteps.filter((name) => name.includes("actions")))(
    "%s: inputs are declared",
    async (name) => {
      const steps = (await stepsOf(name)).filter(({ uses }) => uses?.includes("npu-dispatch"));
      expect(steps).toHaveLength(2);
      for (const { uses = "", with: given = {} } of steps) {
        const path = /^[\w-]+\/npu-dispatch\/(.*)@v1$/.exec(uses)?.[1] ?? "";
        const action = parse(await readFile(join(ROOT, path, "action.yml"), "utf8")) as {
          inputs: Record<string, { required: boolean }>;
        };
        expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
        const required = Object.keys(action.inputs).filter((input) => action.inputs[input]?.required);
        expect(Object.keys(given)).toEqual(expect.arrayContaining(required));
      }
    },
  );

  test("without a key the jobs that call the dispatcher may have an OIDC token, and no other job", async () => {
    const jobs = Object.values(await jobsOf("organization-actions.yml"));
    const allowed = jobs.map(({ permissions }) => permissions?.["id-token"]);
    expect(allowed).toEqual(["write", undefined, "write"]);
    expect(await textOf("organization-actions.yml")).not.toContain("secrets.");
  });
});

test.each(BY_WEBHOOK)("the label of %s is an endpoint of the example configuration", async (name) => {
  const config = parseConfig(await readFile(join(ROOT, "dispatch.yaml"), "utf8"));
  if (!config.ok) throw new Error("dispatch.yaml is wrong");
  const { templates, endpoints } = config.config;
  const labels = Object.values(await jobsOf(name)).flatMap((job) => job["runs-on"]);
  expect(resolveEndpoint(labels, { templates, endpoints })).toMatchObject({ type: "endpoint" });
});
