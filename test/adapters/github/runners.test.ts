// The calls about runners and workflow jobs as they arrive at a server.
import { afterEach, describe, expect, test } from "vitest";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller } from "../../../shared/ports/github.ts";
import { type Bench, mints, type Script, START, startBench } from "./github-server.ts";

const org: RunnerScope = { type: "organization", org: "acme" };
const repository: RunnerScope = { type: "repository", owner: "ann", repo: "app" };
const acme = (installationId?: number): Caller => ({
  owner: { login: "acme", type: "Organization" },
  installationId,
});
const ann = (installationId?: number): Caller => ({ owner: { login: "ann", type: "User" }, installationId });

const ORG_JIT = "POST /orgs/acme/actions/runners/generate-jitconfig";
const GROUPS = "GET /orgs/acme/actions/runner-groups";

let bench: Bench;
afterEach(async () => await bench.close());
const start = async (script: Script) => {
  bench = await startBench(script);
  return bench;
};

describe("runners", () => {
  const jit = { status: 201, body: { runner: { id: 77, name: "w" }, encoded_jit_config: "eyJqaXQ=" } };
  const runner = { name: "npud-a-1", labels: ["linux-arm64-npu-1"], runnerGroup: undefined };
  const groupPage = {
    status: 200,
    body: {
      total_count: 2,
      runner_groups: [
        { id: 1, name: "Default" },
        { id: 9, name: "NPU Pool" },
      ],
    },
  };

  test("JIT: labels verbatim; group 1 for a repository or without a name", async () => {
    const path = "POST /repos/ann/app/actions/runners/generate-jitconfig";
    const { github, asked } = await start({ ...mints(20), [path]: jit });
    const made = await github.jitConfig(ann(20), repository, { ...runner, runnerGroup: "ignored" });
    expect(made).toEqual({ encodedJitConfig: "eyJqaXQ=", runnerId: 77 });
    expect(asked[1]?.body).toEqual({ name: "npud-a-1", labels: ["linux-arm64-npu-1"], runner_group_id: 1 });
  });

  test("JIT: a group's name is looked up without regard to case, and remembered", async () => {
    const { github, asked, routes } = await start({ ...mints(21), [GROUPS]: groupPage, [ORG_JIT]: jit });
    for (let turn = 0; turn < 3; turn++) {
      await github.jitConfig(acme(21), org, { ...runner, runnerGroup: "npu pool" });
    }
    expect(routes().filter((route) => route === GROUPS)).toHaveLength(1);
    expect(asked.at(-1)?.body).toMatchObject({ runner_group_id: 9 });
  });

  test.each([
    ["npu", 3],
    ["NPU", 2],
    ["Npu", 3],
  ])(
    "JIT: of groups that differ in case %s is the very name, or the organization's own",
    async (name, id) => {
      const body = {
        runner_groups: [
          { id: 3, name: "npu", inherited: false },
          { id: 2, name: "NPU", inherited: true },
          { id: 4, name: "nPU", inherited: true },
        ],
      };
      const page = { status: 200, body };
      const { github, asked } = await start({ ...mints(21), [GROUPS]: page, [ORG_JIT]: jit });
      await github.jitConfig(acme(21), org, { ...runner, runnerGroup: name });
      expect(asked.at(-1)?.body).toMatchObject({ runner_group_id: id });
    },
  );

  test("JIT: an unknown group says where to create it, and is not asked for with every job", async () => {
    const { github, routes, clock } = await start({ ...mints(22), [GROUPS]: groupPage });
    const ask = () =>
      github.jitConfig(acme(22), org, { ...runner, runnerGroup: "gpu" }).catch((thrown: unknown) => thrown);
    expect(String(await ask())).toMatch(
      /no runner group "gpu"\. Create it at .*\/organizations\/acme\/settings\/actions\/runner-groups/,
    );
    expect(await ask()).toMatchObject({ fault: "not-found" });
    const before = routes().filter((route) => route === GROUPS).length;
    for (let turn = 0; turn < 5; turn++) await ask();
    expect(routes().filter((route) => route === GROUPS)).toHaveLength(before);
    clock.advance(31_000);
    await ask();
    expect(routes().filter((route) => route === GROUPS)).toHaveLength(before + 1);
  });

  test("JIT: a taken name is a conflict, and nothing is repeated after a lost answer", async () => {
    const taken = { status: 409, body: { message: "Already exists" } };
    const { github, routes } = await start({ ...mints(23), [ORG_JIT]: [{ status: 0, hangUp: true }, taken] });
    await expect(github.jitConfig(acme(23), org, runner)).rejects.toMatchObject({ fault: "unavailable" });
    expect(routes().filter((route) => route === ORG_JIT)).toHaveLength(1);
    await expect(github.jitConfig(acme(23), org, runner)).rejects.toMatchObject({ fault: "conflict" });
  });

  test("find: by exact name, on a server without the filter page by page", async () => {
    const filler = (page: number) =>
      Array.from({ length: 100 }, (_, index) => ({
        id: page * 1000 + index,
        name: `npud-a-1${page}${index}`,
        status: "online",
        busy: false,
      }));
    const { github, asked } = await start({
      ...mints(24),
      "GET /orgs/acme/actions/runners": ({ path }) => ({
        status: 200,
        body: {
          total_count: 101,
          runners: path.includes("page=2")
            ? [{ id: 5, name: "npud-a-1", status: "offline", busy: true }]
            : filler(1),
        },
      }),
    });
    const found = await github.findRunner(acme(24), org, "npud-a-1");
    expect(found).toEqual({ id: 5, name: "npud-a-1", status: "offline", busy: true });
    expect(asked[1]?.path).toContain("name=npud-a-1");
    expect(await github.findRunner(acme(24), org, "npud-a-2")).toBeUndefined();
  });

  test("delete: gone already is deleted, 422 is busy", async () => {
    const at = (id: number) => `DELETE /orgs/acme/actions/runners/${id}`;
    const { github } = await start({
      ...mints(25),
      "GET /orgs/acme/installation": { status: 200, body: { id: 25 } },
      [at(1)]: { status: 204 },
      [at(3)]: { status: 422, body: { message: 'Runner "x" is still running a job' } },
    });
    expect(await github.deleteRunner(acme(25), org, 1)).toBe("deleted");
    expect(await github.deleteRunner(acme(25), org, 2)).toBe("deleted");
    expect(await github.deleteRunner(acme(25), org, 3)).toBe("busy");
  });
});

describe("workflow jobs", () => {
  const path = "GET /repos/acme/app/actions/jobs/100520616165";
  const job = {
    owner: { id: 5, login: "acme", type: "Organization" as const },
    repositoryId: 6,
    repo: "app",
    workflowJobId: 100_520_616_165,
  };
  const json = {
    id: job.workflowJobId,
    run_id: 7,
    run_attempt: 2,
    name: "build",
    workflow_name: "CI",
    head_branch: "main",
    html_url: "https://github.com/acme/app/actions/runs/7/job/100520616165",
    labels: ["linux-arm64-npu-1"],
    status: "pending",
    conclusion: null,
    created_at: "2026-11-21T00:00:00Z",
    started_at: "2026-11-21T00:00:00Z",
    runner_id: null,
    runner_name: null,
  };

  test("GitHub's word, with its waiting states as one", async () => {
    const { github } = await start({ ...mints(30), [path]: { status: 200, body: json } });
    expect(await github.workflowJob(acme(30), job)).toEqual({
      workflowJobId: job.workflowJobId,
      runId: 7,
      runAttempt: 2,
      name: "build",
      workflowName: "CI",
      headBranch: "main",
      htmlUrl: json.html_url,
      labels: json.labels,
      repository: { id: 6, owner: job.owner, name: "app" },
      installationId: 30,
      status: "waiting",
      conclusion: undefined,
      runner: undefined,
      createdAt: START,
      startedAt: START,
    });
  });

  test("a deleted run's job is unknown, and believed so without asking for the installation each time", async () => {
    const { github, routes } = await start({
      ...mints(31),
      "GET /orgs/acme/installation": { status: 200, body: { id: 31 } },
    });
    for (let turn = 0; turn < 3; turn++) expect(await github.workflowJob(acme(31), job)).toBeUndefined();
    expect(routes().filter((route) => route.endsWith("/installation"))).toHaveLength(1);
  });

  test("the budget of the installation is kept", async () => {
    const headers = {
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "4999",
      "x-ratelimit-reset": "1763683200",
    };
    const { github } = await start({ ...mints(32), [path]: { status: 200, body: json, headers } });
    expect(github.budget(32)).toBeUndefined();
    await github.workflowJob(acme(32), job);
    expect(github.budget(32)).toEqual({ limit: 5000, remaining: 4999, resetAt: 1_763_683_200_000 });
  });
});
