// The registration of a runner: late, to its own boot only, before it listens; and every way in which GitHub says no.
import { describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { GithubFault } from "../../../shared/ports/github.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import { aReport, aTemplate } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function started(
  options: WorldOptions = {},
  fields = {},
): Promise<{ world: World; id: number; worker: WorkerId }> {
  const world = createWorld(options);
  const { workflowJobId: id } = world.github.queue(fields);
  await world.deliver();
  return { world, id, worker: world.pool.started[0]?.workerId as WorkerId };
}

describe("take", () => {
  test("the same boot gets the same answer again, another boot gets nothing", async () => {
    const { world, worker, id } = await started({ tenants: [{ ...ACME, runnerGroup: "npu" }] });
    const first = await takeJob(world.deps, worker, "boot-1");
    expect(first).toEqual({
      type: "taken",
      job: { id: `gh-${id}`, input: {} },
      settings: {
        url: "https://github.com/Acme",
        runnerName: worker,
        labels: ["linux-aarch64-a2-1", "self-hosted", "linux", "arm64", "npu"],
        runnerGroup: "npu",
        defaultLabels: false,
        cards: 1,
        registration: "auto",
        policy: { owner: "Acme", forks: "refuse" },
        containers: { endpoint: "linux-aarch64-a2-{npus}", images: [] },
      },
    });
    expect(await takeJob(world.deps, worker, "boot-1")).toEqual(first);
    expect(await takeJob(world.deps, worker, "boot-2")).toMatchObject({ type: "nothing" });
  });

  test("the images that its container is equal to go with it, under the name that dispatch.yaml has", async () => {
    const images = ["quay.io/ascend/cann:*"];
    const { world, worker } = await started({ templates: [aTemplate({ containerImages: images })] });
    const taken = await takeJob(world.deps, worker, "boot-1");
    expect(taken).toMatchObject({
      settings: { containers: { endpoint: "linux-aarch64-a2-{npus}", images } },
    });
  });

  test("the tenant's policy goes with it, for the started hook", async () => {
    const policy = {
      repositories: ["kernels"],
      workflows: [".github/workflows/ci.yml"],
      forks: "allow",
    } as const;
    const { world, worker } = await started({ tenants: [{ ...ACME, ...policy }] });
    const taken = await takeJob(world.deps, worker, "boot-1");
    expect(taken).toMatchObject({ settings: { policy: { owner: "Acme", ...policy } } });
  });

  test("a user's repository is its own place, and has no runner groups", async () => {
    const owner = { id: 12, login: "someone", type: "User" } as const;
    const { world, worker } = await started(
      { tenants: [{ ...ACME, owner: "Someone", runnerGroup: "npu" }] },
      { repository: { id: 1, name: "tools", owner } },
    );
    const taken = await takeJob(world.deps, worker, "b");
    expect(taken).toMatchObject({ settings: { url: "https://github.com/someone/tools" } });
    expect(taken).not.toHaveProperty("settings.runnerGroup");
  });

  test.each(["finished", "lost", "released"])("a %s worker gets nothing", async (state) => {
    const { world, worker } = await started();
    const record = (await world.stores.workers.get(worker))!;
    await world.stores.workers.replace({ ...record, version: record.version + 1, state: state as "lost" });
    expect(await takeJob(world.deps, worker, "b")).toMatchObject({ type: "nothing" });
  });

  test("an unknown worker gets nothing", async () => {
    const { world } = await started();
    expect(await takeJob(world.deps, "npud-t3st00-nobody" as WorkerId, "b")).toMatchObject({
      type: "nothing",
    });
  });
});

describe("register", () => {
  test("not before take, not by another boot, not after it listened", async () => {
    const { world, worker } = await started();
    const ask = (boot: string) => registerRunner(world.deps, worker, boot, "token");
    expect(await ask("boot-1")).toMatchObject({ type: "refused" });
    await takeJob(world.deps, worker, "boot-1");
    expect(await ask("boot-2")).toMatchObject({ type: "refused" });
    expect(await ask("boot-1")).toMatchObject({ type: "registered", answer: { type: "token" } });
    expect(await ask("boot-1")).toMatchObject({ type: "registered" });
    const record = (await world.stores.workers.get(worker))!;
    await world.stores.workers.replace({ ...record, version: record.version + 1, state: "listening" });
    expect(await ask("boot-1")).toMatchObject({ type: "refused" });
    expect(world.github.calls.registrationToken).toBe(2);
  });

  test("a JIT configuration whose answer was lost is minted anew", async () => {
    const { world, worker } = await started();
    await takeJob(world.deps, worker, "b");
    const first = await registerRunner(world.deps, worker, "b", "jit");
    const second = await registerRunner(world.deps, worker, "b", "jit");
    expect(second.type).toBe("registered");
    expect(second).not.toEqual(first);
    expect(world.github.runners.size).toBe(1);
    expect((await world.stores.workers.get(worker))?.runnerId).toBe(world.github.runners.get(worker)?.id);
  });
});

const REFUSALS: GithubFault[] = [
  "unauthorized",
  "forbidden",
  "not-found",
  "conflict",
  "invalid",
  "suspended",
];

describe.each(REFUSALS)("GitHub answers %s", (fault) => {
  test.each(["token", "jit"] as const)(
    "%s: held with the reason, tried again slowly, and no more than that",
    async (registration) => {
      const { world, id } = await started({ script: { registration } });
      const method = registration === "token" ? "registrationToken" : "jitConfig";
      world.github.fail(fault, { method });
      await play(world, { forMs: MINUTE_MS });
      const { hold, state } = await jobOf(world, id);
      expect(state).toBe("IN_QUEUE");
      expect(hold).toMatchObject({ reason: "registration-refused", message: expect.stringContaining(fault) });
      expect(hold?.until).toBeGreaterThan(world.now() + 8 * MINUTE_MS);
      await play(world, { forMs: HOUR_MS });
      expect(world.pool.started.length).toBeLessThanOrEqual(7);
      world.github.fail(undefined, { method });
      expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
      expect((await jobOf(world, id)).state).toBe("COMPLETED");
    },
  );
});

test.each(["rate-limited", "unavailable"] as const)(
  "GitHub answers %s: the same worker asks again, when GitHub says",
  async (fault) => {
    const { world, id, worker } = await started();
    world.github.fail(fault, { method: "registrationToken", retryAfterMs: 40_000 });
    await takeJob(world.deps, worker, `boot-of-${worker}`);
    expect(await registerRunner(world.deps, worker, `boot-of-${worker}`, "token")).toMatchObject({
      type: "later",
      retryAfterMs: 40_000,
    });
    world.github.fail(undefined, { method: "registrationToken" });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, id)).starts).toBe(1);
    expect(world.pool.started).toHaveLength(1);
  },
);

describe("a registration that is not used is removed", () => {
  test("GitHub is away: the worker stays due, its cards do not wait for that", async () => {
    const world = createWorld({ cards: 1 });
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    for (let n = 0; n < 4; n++) await world.step();
    const first = world.pool.started[0]!.workerId;
    world.github.change(id, { status: "completed", conclusion: "cancelled" });
    await world.deliver();
    world.github.fail("unavailable", { method: "findRunner" });
    world.pool.crash(first);
    world.github.runners.get(first)!.online = false;
    const second = world.github.queue().workflowJobId;
    expect(
      await play(world, {
        forMs: 10 * MINUTE_MS,
        until: async () => (await jobOf(world, second)).state === "COMPLETED",
      }),
    ).toBe(true);
    expect(await world.stores.workers.get(first)).toMatchObject({ state: "lost" });
    world.github.fail(undefined, { method: "findRunner" });
    expect(await play(world, { forMs: 10 * MINUTE_MS, until: isQuiet })).toBe(true);
  });

  test("GitHub counts it as busy: asked again about once a minute until it is not", async () => {
    const { world, id, worker } = await started({ script: { jobMs: HOUR_MS } });
    await play(world, { forMs: 2 * MINUTE_MS });
    world.pool.crash(worker);
    await play(world, { forMs: 10 * MINUTE_MS });
    expect(world.github.calls.deleteRunner).toBeGreaterThan(2);
    expect(world.github.calls.deleteRunner).toBeLessThan(12);
    world.github.complete(id, "failure");
    expect(await play(world, { forMs: 10 * MINUTE_MS, until: isQuiet })).toBe(true);
  });
});

test("a question for a registration that stood still on its way leaves the runner alone that is there already", async () => {
  const { world } = await started({ script: { registration: "jit" } });
  for (let step = 0; step < 3; step++) await world.step();
  const id = world.pool.started[0]!.workerId;
  expect(world.worker(id).stage).toBe("listening");
  const { github, deps } = world;
  const worker = await world.stores.workers.get(id);
  // As it was read before the pings that have come since.
  await world.stores.workers.replace({ ...worker!, version: worker!.version + 1, state: "booted" });
  const outcome = await registerRunner(deps, id, `boot-of-${id}`, "jit");
  expect(outcome.type).toBe("refused");
  expect(github.runners.get(id)?.online).toBe(true);
});

test("a worker that ends while GitHub makes its JIT configuration leaves no runner there", async () => {
  const { world, worker } = await started();
  await takeJob(world.deps, worker, "boot-1");
  const slow: World["deps"]["github"] = {
    ...world.deps.github,
    async jitConfig(...call) {
      await finishWorker(world.deps, worker, aReport({ outcome: "cancelled" }));
      await world.settle();
      expect((await world.stores.workers.get(worker))?.state).toBe("released");
      return world.github.jitConfig(...call);
    },
  };
  const outcome = await registerRunner({ ...world.deps, github: slow }, worker, "boot-1", "jit");
  expect(outcome.type).toBe("refused");
  expect(world.github.runners.size).toBe(0);
});
