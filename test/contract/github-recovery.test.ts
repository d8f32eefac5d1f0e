// The calls that find what was never heard of mean the same by the stand-in over HTTP and by the fake in memory.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createGithub } from "../../shared/adapters/github/github.ts";
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { Caller, Github, HookDelivery } from "../../shared/ports/github.ts";
import { redact } from "../../shared/redacted.ts";
import { OWNER, REPOSITORY } from "../domain/builders.ts";
import { manualClock } from "../fakes/clock.ts";
import { createFakeGithub } from "../fakes/fake-github.ts";
import { startGithubStandIn } from "../fakes/github/stand-in.ts";

type Subject = {
  readonly github: Github;
  readonly caller: Caller;
  readonly repository: Parameters<Github["openJobs"]>[1];
  /** In a new run unless one is given. Its `queued` arrives when `heard`. */
  queue(job: { runId?: number; heard?: boolean }): { id: number; runId: number };
  cancel(id: number): void;
  /** Everything said so far has been delivered, or has failed. */
  delivered(): Promise<void>;
  /** Calls for a repository's runs and jobs so far; undefined where there is no such thing as a call. */
  calls(): number | undefined;
};

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const SUBJECTS = [
  ["the adapter and the stand-in", overHttp],
  ["the fake", inMemory],
] as const;

describe.each(SUBJECTS)("%s", (_name, make) => {
  test("open jobs are those of runs that have not ended, over all pages", async () => {
    const { github, caller, repository, queue, cancel, calls } = await make();
    const first = queue({});
    const matrix = queue({});
    for (let n = 1; n < 103; n++) queue({ runId: matrix.runId });
    cancel(queue({}).id);
    cancel(queue({ runId: first.runId }).id);
    const before = calls();
    const { words } = await github.openJobs(caller, repository);
    expect(words).toHaveLength(104);
    expect(new Set(words.map(({ workflowJobId }) => workflowJobId)).size).toBe(104);
    expect(words.filter(({ runId }) => runId === first.runId)).toEqual([
      expect.objectContaining({ workflowJobId: first.id, status: "queued", repository, runner: undefined }),
    ]);
    // Two lists of runs, one page of jobs for the one run and two for the matrix.
    if (before !== undefined) expect((calls() ?? 0) - before).toBe(5);
  });

  test("of many open runs each is looked into once in so many looks, the newest too", async () => {
    const { github, caller, repository, queue } = await make();
    const queued = Array.from({ length: 230 }, () => queue({}).runId).sort((a, b) => a - b);
    const read: number[] = [];
    let after: number | undefined;
    for (let look = 0; look < 3; look++) {
      const { words, next } = await github.openJobs(caller, repository, after);
      expect(words).toHaveLength(100);
      read.push(...words.map(({ runId }) => runId));
      after = next;
    }
    expect([...new Set(read)].sort((a, b) => a - b)).toEqual(queued);
    // Round again from the oldest.
    expect(after).toBe(queued[69]);
  });

  test("an open job is the same word as that of a single question", async () => {
    const { github, caller, repository, queue } = await make();
    const { id } = queue({});
    const { owner, id: repositoryId, name: repo } = repository;
    const asked = await github.workflowJob(caller, { owner, repositoryId, repo, workflowJobId: id });
    expect(await github.openJobs(caller, repository)).toEqual({ words: [asked], next: undefined });
  });

  test("the jobs of one attempt, ended ones too; none of a run that GitHub does not know", async () => {
    const { github, caller, repository, queue, cancel } = await make();
    const { id, runId } = queue({});
    cancel(id);
    const { owner, id: repositoryId, name: repo } = repository;
    const ask = (run: number, runAttempt: number) =>
      github.runJobs(caller, { owner, repositoryId, repo, runId: run, runAttempt });
    const words: WorkflowJobWord[] = await ask(runId, 1);
    expect(words).toMatchObject([{ workflowJobId: id, status: "completed", conclusion: "cancelled" }]);
    expect(await ask(runId, 2)).toEqual([]);
    expect(await ask(1, 1)).toEqual([]);
  });

  test("the runners of an organization, over all pages", async () => {
    const { github, caller } = await make();
    const scope = { type: "organization", org: caller.owner.login } as const;
    expect(await github.listRunners(caller, scope)).toEqual([]);
    for (let n = 0; n < 101; n++) {
      const name = `npud-t3st00-${String(n).padStart(10, "0")}`;
      await github.jitConfig(caller, scope, { name, labels: ["npu"], runnerGroup: undefined });
    }
    const runners = await github.listRunners(caller, scope);
    expect(new Set(runners.map(({ name }) => name)).size).toBe(101);
    const [one] = runners;
    expect(one).toEqual(await github.findRunner(caller, scope, one?.name ?? ""));
    const { login } = caller.owner;
    const elsewhere = { type: "repository", owner: login, repo: "widgets" } as const;
    expect(await github.listRunners(caller, elsewhere)).toEqual([]);
  });

  test("the log of deliveries, newest first, over all pages", async () => {
    const { github, queue, delivered } = await make();
    for (let n = 0; n < 120; n++) queue({ heard: n % 2 === 0 });
    await delivered();
    const first = await github.deliveries();
    const second = await github.deliveries(first.next);
    expect([first.deliveries.length, second.deliveries.length, second.next]).toEqual([100, 20, undefined]);
    const all = [...first.deliveries, ...second.deliveries];
    expect(all.filter(({ ok }) => ok)).toHaveLength(60);
    expect(new Set(all.map(({ guid }) => guid)).size).toBe(120);
    const ids = all.map(({ id }) => BigInt(id));
    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? 1 : -1)));
    expect(ids.every((id) => id > BigInt(Number.MAX_SAFE_INTEGER))).toBe(true);
    expect(all[0]).toMatchObject({ event: "workflow_job", action: "queued" });
  });

  test("a redelivery is a new try of the same event", async () => {
    const { github, queue, delivered } = await make();
    queue({ heard: false });
    await delivered();
    const [lost] = (await github.deliveries()).deliveries as [HookDelivery];
    expect(lost.ok).toBe(false);
    await github.redeliver(lost.id);
    await delivered();
    const { deliveries } = await github.deliveries();
    expect(deliveries).toMatchObject([{ guid: lost.guid, ok: true }, lost]);
    expect(BigInt(deliveries[0]?.id ?? 0)).toBeGreaterThan(BigInt(lost.id));
    await expect(github.redeliver("144115188096116999")).rejects.toMatchObject({ fault: "not-found" });
  });
});

test("the adapter looks into a hundred runs at most, the oldest first", async () => {
  const { github, caller, repository, queue, calls } = await overHttp();
  const jobs = Array.from({ length: 103 }, () => queue({}));
  const before = calls() ?? 0;
  const { words } = await github.openJobs(caller, repository);
  expect(words.map(({ workflowJobId }) => workflowJobId)).toEqual(jobs.slice(0, 100).map(({ id }) => id));
  expect((calls() ?? 0) - before).toBe(103);
});

async function overHttp(): Promise<Subject> {
  const standIn = await startGithubStandIn({ pointsPerMinute: 10_000 });
  const receiver = createServer((_request, response) => response.end());
  cleanUps.push(
    () => standIn.stop(),
    () => close(receiver),
  );
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  standIn.setWebhook(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`);
  const { ownerId, installationId } = standIn.addOrganization("octo-org");
  const id = standIn.addRepository("octo-org", "widgets");
  const owner = { id: ownerId, login: "octo-org", type: "Organization" } as const;
  const quiet = () => undefined;
  const github = createGithub({
    app: { appId: String(standIn.appId), privateKey: redact(standIn.privateKey) },
    apiUrl: standIn.apiUrl,
    clock: { now: Date.now },
    random: { token: (length) => "0".repeat(length), fraction: () => 0 },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    pause: async () => undefined,
  });
  return {
    github,
    caller: { owner, installationId },
    repository: { owner, id, name: "widgets" },
    queue({ runId, heard = true }) {
      standIn.setFaults({ lose: heard ? 0 : 1 });
      const job = { owner: "octo-org", repo: "widgets", labels: ["npu"], ...(runId && { runId }) };
      return standIn.queueWorkflowJob(job);
    },
    cancel: standIn.cancel,
    delivered: standIn.deliveriesIdle,
    calls: () => standIn.clientCalls.filter(({ path }) => path.includes("/widgets/actions/")).length,
  };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function inMemory(): Promise<Subject> {
  const github = createFakeGithub(manualClock());
  const unheard = new Set<WorkflowJobWord>();
  let runs = 7_000;
  return {
    github,
    caller: { owner: OWNER, installationId: 99 },
    repository: REPOSITORY,
    queue({ runId = ++runs, heard = true }) {
      const word = github.queue({ runId });
      if (!heard) unheard.add(word);
      return { id: word.workflowJobId, runId };
    },
    cancel: (id) => void github.change(id, { status: "completed", conclusion: "cancelled" }),
    async delivered() {
      for (const word of github.takeOutbox()) {
        // Lost the first time only.
        if (!unheard.delete(word)) github.answered(word);
      }
    },
    calls: () => undefined,
  };
}
