// The main job over real processes: signed delivery, dispatcher, worker, runner stand-in, and nothing left.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { ServeOptions, ServeProcess } from "./serve-process.ts";
import { createServe, ORG } from "./serve-process.ts";
import { until } from "./until.ts";

let serve: ServeProcess | undefined;

afterEach(async () => {
  await serve?.dispose();
  serve = undefined;
});

describe.each(["token", "jit", "auto"] as const)("registration: %s", (registration) => {
  test("a workflow job is run and nothing is left", async () => {
    const { github, id } = await runOne({ registration }, ["echo card=$ASCEND_VISIBLE_DEVICES", "npu-smi info"]);
    expect(github.workflowJob(id)).toMatchObject({ status: "completed", conclusion: "success" });
    expect(github.workflowJob(id).lines.join("\n")).toMatch(/card=[0-7]\n[\s\S]*npu-smi/);
    await nothingLeft();
    const calls = github.clientCalls.map((call) => call.path);
    expect(calls.filter((path) => path.endsWith(registration === "token" ? "registration-token" : "jitconfig"))).toHaveLength(1);
  });
});

test("a steady job costs at most one call to GitHub: the tokens are reused", async () => {
  const { github } = await runOne({}, ["true"]);
  const before = github.clientCalls.length;
  const second = github.queueWorkflowJob({ owner: ORG, repo: "repo", labels: ["linux-arm64-npu-1"], run: ["true"] });
  await ended(second.id);
  await nothingLeft();
  expect(github.clientCalls.length - before).toBeLessThanOrEqual(1);
});

test("a failing step fails the workflow job and leaves nothing", async () => {
  const { github, id } = await runOne({}, ["echo before", "exit 3"]);
  expect(github.workflowJob(id)).toMatchObject({ status: "completed", conclusion: "failure" });
  await nothingLeft();
});

test("a running workflow job that is cancelled at GitHub ends, and its worker with it", async () => {
  serve = await started({});
  const { github } = serve;
  const { id } = queue(["sleep 60"]);
  await until("the job to run", () => github.workflowJob(id).status === "in_progress");
  github.cancel(id);
  await ended(id);
  expect(github.workflowJob(id).conclusion).toBe("cancelled");
  await nothingLeft();
});

test("SIGTERM ends the server and leaves its running job alone; a new server finds it again", async () => {
  serve = await started({});
  const { github } = serve;
  const { id } = queue(["sleep 3", "echo survived"]);
  await until("the job to run", () => github.workflowJob(id).status === "in_progress");
  expect(await serve.close()).toBe(0);
  await serve.start();
  await ended(id);
  expect(github.workflowJob(id)).toMatchObject({ conclusion: "success" });
  expect(github.workflowJob(id).lines).toContain("survived");
  await nothingLeft();
});

async function started(options: ServeOptions): Promise<ServeProcess> {
  const process = await createServe(options);
  serve = process;
  await process.start();
  return process;
}

async function runOne(options: ServeOptions, run: string[]) {
  const { github } = await started(options);
  const { id } = queue(run);
  await ended(id);
  return { github, id };
}

function queue(run: string[]) {
  if (serve === undefined) throw new Error("not started");
  return serve.github.queueWorkflowJob({ owner: ORG, repo: "repo", labels: ["linux-arm64-npu-1"], run });
}

async function ended(id: number): Promise<void> {
  await until(`workflow job ${id} to end`, () => serve?.github.workflowJob(id).status === "completed", {
    detail: () => serve?.output() ?? "",
  });
}

async function nothingLeft(): Promise<void> {
  await until("runner registrations to go", () => serve?.github.runners(ORG).length === 0);
  const folder = join(serve?.dataDir ?? "", "pools", "local", "workers");
  await until("worker folders to go", async () => (await readdir(folder)).length === 0, {
    detail: () => serve?.output() ?? "",
  });
}
