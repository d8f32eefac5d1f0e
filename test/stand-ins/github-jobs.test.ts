// Workflow jobs at the stand-in: what is delivered, to which runner a job goes, and how it ends.
import { afterEach, expect, test } from "vitest";
import {
  type GithubStandIn,
  type GithubStandInOptions,
  startGithubStandIn,
} from "../fakes/github/stand-in.ts";
import {
  ask,
  connectJit,
  type IdleRunner,
  mint,
  receiveWebhooks,
  type WebhookReceiver,
} from "./github-client.ts";

const opened: { stop(): Promise<void> }[] = [];
let nowMs = 1_795_000_000_000;
const JOB = { owner: "octo-org", repo: "widgets", labels: ["NPU", "a2"], run: ["true"] };

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

type World = {
  readonly github: GithubStandIn;
  readonly hook: WebhookReceiver;
  /** A connected just-in-time runner. */
  connect(name: string, labels?: readonly string[], group?: number): Promise<IdleRunner>;
};

async function start(options: GithubStandInOptions = {}): Promise<World> {
  const github = await startGithubStandIn({ now: () => nowMs, ...options });
  const hook = await receiveWebhooks();
  opened.push(github, hook);
  github.setWebhook(hook.url);
  const npus = { name: "npus", visibility: "selected", repositories: ["widgets"] } as const;
  const { installationId } = github.addOrganization("octo-org", { runnerGroups: [npus] });
  const token = await mint(github, installationId, nowMs);
  return {
    github,
    hook,
    async connect(name, labels = ["npu", "A2", "extra"], runner_group_id = 1) {
      const body = { name, labels, runner_group_id };
      const made = await ask(github, "POST", "/orgs/octo-org/actions/runners/generate-jitconfig", {
        token,
        body,
      });
      return connectJit(github, made.body.encoded_jit_config);
    },
  };
}

async function runToEnd(runner: IdleRunner, conclusion: string): Promise<number> {
  const message = await runner.poll();
  expect(message?.type).toBe("job");
  const path = `jobs/${message?.jobId}`;
  expect((await runner.post(`${path}/acquire`)).status).toBe(200);
  expect((await runner.post(`${path}/complete`, { conclusion })).status).toBe(200);
  return message?.jobId ?? 0;
}

async function words({ github, hook }: World): Promise<string[]> {
  await github.deliveriesIdle();
  return hook.received.map(({ body }) => `${body.action}:${body.workflow_job.status}`);
}

test("a job goes queued, in_progress, completed, with realistic bodies", async () => {
  const world = await start();
  const job = world.github.queueWorkflowJob(JOB);
  const runner = await world.connect("w-1");
  expect(await runToEnd(runner, "success")).toBe(job.id);

  expect(await words(world)).toEqual(["queued:queued", "in_progress:in_progress", "completed:completed"]);
  for (const { text, body, headers } of world.hook.received) {
    expect(text.length).toBeGreaterThan(6_000);
    expect(headers["x-github-event"]).toBe("workflow_job");
    expect(body).toMatchObject({
      organization: { login: "octo-org" },
      installation: { id: expect.any(Number) },
    });
    expect(body.repository).toMatchObject({ full_name: "octo-org/widgets", owner: { login: "octo-org" } });
    expect(text).not.toMatch(/Codertocat\/Hello-World/);
  }
  const [queued, , completed] = world.hook.received.map(({ body }) => body.workflow_job);
  expect(queued).toMatchObject({ labels: ["NPU", "a2"], runner_id: null, started_at: queued.created_at });
  expect(completed).toMatchObject({ conclusion: "success", runner_name: "w-1", run_attempt: 1 });
  expect(job.id).toBeGreaterThan(1e11);
  expect(world.github.runners("octo-org")).toEqual([]);
});

test("any matching runner may take any job, by the seed", async () => {
  const takers = new Set<string | undefined>();
  for (let seed = 1; seed <= 8; seed += 1) {
    const { github, connect } = await start({ seed });
    const runners = await Promise.all(["for-1", "for-2"].map((name) => connect(name)));
    const jobs = [github.queueWorkflowJob(JOB), github.queueWorkflowJob(JOB)];
    await Promise.all(runners.map((runner) => runToEnd(runner, "success")));
    takers.add(github.workflowJob(jobs[0]!.id).runnerName);
    expect(new Set(jobs.map((job) => github.workflowJob(job.id).runnerName)).size).toBe(2);
  }
  expect(takers).toEqual(new Set(["for-1", "for-2"]));
});

test("labels, repository and group must fit", async () => {
  const { github, connect } = await start();
  const poor = await connect("poor", ["npu"]);
  const grouped = await connect("grouped", ["npu", "a2"], 2);
  const elsewhere = github.queueWorkflowJob({ ...JOB, repo: "gadgets" });
  expect(await poor.poll()).toBeUndefined();
  const polled = grouped.poll();
  const here = github.queueWorkflowJob({ ...JOB, labels: [], runnerGroup: "NPUS" });
  expect(await polled).toEqual({ type: "job", jobId: here.id });
  expect(github.workflowJob(elsewhere.id)).toMatchObject({ status: "queued", assignedTo: undefined });
});

test("what is not picked up in 60 s goes to another runner", async () => {
  const { github, connect } = await start();
  const ghost = await connect("ghost");
  const job = github.queueWorkflowJob(JOB);
  expect(await ghost.poll()).toEqual({ type: "job", jobId: job.id });
  expect(github.workflowJob(job.id)).toMatchObject({ status: "queued", assignedTo: "ghost" });
  nowMs += 60_000;
  github.sweep();
  expect(github.workflowJob(job.id).assignedTo).toBeUndefined();
  const other = await connect("other");
  expect(await runToEnd(other, "failure")).toBe(job.id);
  expect((await ghost.post(`jobs/${job.id}/acquire`)).status).toBe(409);
});

test("a gate: announced as queued with a deployment, and again when it is approved", async () => {
  const world = await start();
  const gated = world.github.queueWorkflowJob({ ...JOB, environment: { approved: false } });
  const held = world.github.queueWorkflowJob({ ...JOB, needsApproval: true });
  expect(await words(world)).toEqual(["queued:waiting", "waiting:waiting"]);
  expect(world.hook.received[0]?.body.deployment).toBeDefined();
  world.github.approve(gated.id);
  world.github.approve(held.id);
  expect((await words(world)).slice(2)).toEqual(["queued:queued", "queued:queued"]);
  expect(world.hook.received[2]?.body.deployment).toBeUndefined();
});

test("cancelled before pickup: completed at once, with no runner", async () => {
  const world = await start();
  const job = world.github.queueWorkflowJob(JOB);
  world.github.cancel(job.id);
  expect(await words(world)).toEqual(["queued:queued", "completed:completed"]);
  const { workflow_job } = world.hook.received[1]?.body ?? {};
  expect(workflow_job).toMatchObject({ conclusion: "cancelled", runner_id: 0, runner_name: "", steps: [] });
});

test("cancelled while it runs: the runner is told, and ended without it after five minutes", async () => {
  const { github, connect } = await start();
  const runner = await connect("w-1");
  const job = github.queueWorkflowJob(JOB);
  await runner.poll();
  await runner.post(`jobs/${job.id}/acquire`);
  github.cancel(job.id);
  expect(await runner.poll()).toEqual({ type: "cancel", jobId: job.id });
  expect(github.workflowJob(job.id).status).toBe("in_progress");
  nowMs += 300_000;
  github.sweep();
  expect(github.workflowJob(job.id)).toMatchObject({ status: "completed", conclusion: "cancelled" });
});

test("a run again: a new job, and the others carried over as completed with new ids", async () => {
  const world = await start();
  const runner = await world.connect("w-1");
  const first = world.github.queueWorkflowJob(JOB);
  await runToEnd(runner, "success");
  const second = world.github.queueWorkflowJob({ ...JOB, name: "again", runId: first.runId });
  world.github.cancel(second.id);
  const before = (await words(world)).length;
  const again = world.github.rerun(second.id);
  expect(again).toMatchObject({ name: "again", runAttempt: 2, status: "queued", runId: first.runId });
  expect((await words(world)).slice(before)).toEqual(["queued:queued", "completed:completed"]);
  const carried = world.hook.received.at(-1)?.body.workflow_job;
  expect(carried).toMatchObject({
    id: again.id + 1,
    run_attempt: 2,
    conclusion: "success",
    runner_name: "w-1",
  });
});

test("busy runners cannot be deleted, and the flag may lag", async () => {
  const { github, connect } = await start({ busyLagMs: 120_000 });
  const token = await mint(github, 51_000_000, nowMs);
  const runner = await connect("w-1");
  const job = github.queueWorkflowJob(JOB);
  await runner.poll();
  await runner.post(`jobs/${job.id}/acquire`);
  const id = github.runners("octo-org")[0]?.id;
  const path = `/orgs/octo-org/actions/runners/${id}`;
  expect((await ask(github, "GET", path, { token })).body.busy).toBe(false);
  expect(await ask(github, "DELETE", path, { token })).toMatchObject({
    status: 422,
    body: { message: 'Bad request - Runner "w-1" is still running a job' },
  });
  nowMs += 120_000;
  expect((await ask(github, "GET", path, { token })).body.busy).toBe(true);
});

test("a suspended or missing installation hears nothing", async () => {
  const world = await start();
  world.github.addOrganization("quiet-org", { suspended: true });
  world.github.addUser("nobody", { installed: false });
  world.github.queueWorkflowJob({ ...JOB, owner: "quiet-org" });
  world.github.queueWorkflowJob({ ...JOB, owner: "nobody" });
  expect(await words(world)).toEqual([]);
});
