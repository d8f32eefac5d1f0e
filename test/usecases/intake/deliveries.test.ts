// Deliveries repeated, reordered and lost; jobs that are not ours; tenants that may not start anything yet.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import { receiveDelivery } from "../../../shared/usecases/intake/receive-delivery.ts";
import { receiveInstallation } from "../../../shared/usecases/intake/receive-installation.ts";
import { aTemplate, OWNER, T0, TENANT } from "../../domain/builders.ts";
import { isQuiet, jobOf, jobsOf, play } from "../../fakes/play.ts";
import { seededRandom } from "../../fakes/seeded-random.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

const HOUR_MS = 3_600_000;
const STREAMS = fc.constantFrom("in-order" as const, "twice-reversed" as const, "side-by-side" as const);

test("any order, repetition and loss but of `queued` ends in the same state", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), STREAMS, async (seed, stream) => {
      const { fraction } = seededRandom(seed);
      const world = createWorld({ seed, cards: 3, stream });
      world.post = carelessPost(fraction);
      for (let n = 0; n < 5; n++) world.github.queue();
      expect(await play(world, { forMs: 6 * HOUR_MS, until: isQuiet })).toBe(true);
      expect((await jobsOf(world)).every((job) => job?.state === "COMPLETED")).toBe(true);
      expect(world.pool.overbooked).toEqual([]);
      expect(world.faults).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

/** Loses a fifth of all words but `queued`, delivers a tenth late, a fifth or more twice, and any batch in reverse. */
function carelessPost(fraction: () => number): (words: WorkflowJobWord[]) => WorkflowJobWord[] {
  const late: WorkflowJobWord[] = [];
  return (words) => {
    const now = [...late.splice(0), ...words].flatMap((word) => {
      const chance = fraction();
      if (chance < 0.2 && word.status !== "queued") return [];
      if (chance < 0.5) late.push(word);
      return chance < 0.4 || chance >= 0.5 ? [word] : [];
    });
    return fraction() < 0.5 ? now.reverse() : now;
  };
}

test("the same delivery again writes nothing", async () => {
  const world = createWorld();
  const word = world.github.queue();
  await world.deliver();
  const before = world.fuse.count;
  const again = await receiveDelivery(world.deps, word);
  expect(again).toMatchObject({ type: "unchanged", reason: "known as IN_QUEUE, GitHub queued" });
  // The one try to create it.
  expect(world.fuse.count - before).toBe(1);
});

test("a late queued does not wake a completed job", async () => {
  const world = createWorld();
  const word = world.github.queue();
  world.github.change(word.workflowJobId, { status: "completed", conclusion: "cancelled" });
  world.post = (words) => words.reverse();
  await world.deliver();
  expect((await jobOf(world, word.workflowJobId)).state).toBe("CANCELLED");
  expect(world.pool.started).toEqual([]);
});

test("behind an environment gate nothing starts, until GitHub queues it again", async () => {
  const world = createWorld();
  const { workflowJobId: id } = world.github.queue({ status: "waiting" });
  await play(world, { forMs: 600_000 });
  expect(world.pool.started).toEqual([]);
  expect((await jobOf(world, id)).hold).toMatchObject({ reason: "environment-gate" });
  world.github.change(id, { status: "queued" });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});

test("a gate that closes unheard ends the job; while it waits GitHub is asked once an hour", async () => {
  const world = createWorld();
  const { workflowJobId: id } = world.github.queue({ status: "waiting" });
  await play(world, { forMs: 3.5 * HOUR_MS });
  expect(world.github.calls.workflowJob).toBe(3);
  expect((await jobOf(world, id)).hold).toMatchObject({ reason: "environment-gate" });
  world.github.hook.emits = () => false;
  world.github.change(id, { status: "completed", conclusion: "failure" });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(await jobOf(world, id)).toMatchObject({ state: "FAILED" });
});

describe("not ours", () => {
  test("hosted labels cost no write at all", async () => {
    const world = createWorld();
    world.github.queue({ labels: ["ubuntu-latest"] });
    await world.deliver();
    expect(world.fuse.count).toBe(0);
    expect(await jobsOf(world)).toEqual([undefined]);
  });

  test("near misses are counted once per job and label set, on `queued` only", async () => {
    const world = createWorld();
    for (let n = 0; n < 3; n++) {
      const { workflowJobId } = world.github.queue({ labels: ["linux-aarch64-a2-3"] });
      world.github.change(workflowJobId, { status: "completed", conclusion: "cancelled" });
    }
    world.github.queue({ labels: ["linux-arch64-a2-1"] });
    await world.deliver();
    const misses = await world.stores.nearMisses.list(TENANT, 10);
    expect(Object.fromEntries(misses.map(({ labels, count }) => [labels[0], count]))).toEqual({
      "linux-aarch64-a2-3": 3,
      "linux-arch64-a2-1": 1,
    });
    expect(await jobsOf(world)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("an endpoint started by the API only starts nothing for a queued job", async () => {
    const manual = aTemplate({
      name: "manual",
      selector: "manual-1",
      labels: [],
      cards: 1,
      counts: [],
      startedBy: "api",
    });
    const world = createWorld({ templates: [manual] });
    world.github.queue({ labels: ["manual-1"] });
    await play(world, { forMs: 300_000 });
    expect(world.pool.started).toEqual([]);
    expect(await jobsOf(world)).toEqual([undefined]);
  });

  test("an endpoint was taken out of dispatch.yaml while its worker runs: GitHub's word still counts", async () => {
    const world = createWorld();
    const { workflowJobId: id } = world.github.queue();
    await play(world, { forMs: 60_000 });
    const word = world.github.complete(id);
    const later = { ...world.deps, catalogue: { templates: [], endpoints: [] } };
    expect(await receiveDelivery(later, word)).toMatchObject({
      type: "recorded",
      job: { state: "COMPLETED" },
    });
  });

  test("its labels became a near miss while its worker runs: GitHub's word still counts", async () => {
    const world = createWorld();
    const { workflowJobId: id } = world.github.queue({ labels: ["linux-aarch64-a2-1", "npu"] });
    await play(world, { forMs: 60_000 });
    const word = world.github.complete(id);
    const later = {
      ...world.deps,
      catalogue: createWorld({ templates: [aTemplate({ labels: [] })] }).deps.catalogue,
    };
    expect(await receiveDelivery(later, word)).toMatchObject({
      type: "recorded",
      job: { state: "COMPLETED" },
    });
  });
});

describe("tenants", () => {
  const installation = { installationId: 99, account: OWNER };

  test("pending: its jobs wait, the operator sees it, and naming it in dispatch.yaml starts them", async () => {
    const world = createWorld({ tenants: [] });
    const { workflowJobId: id } = world.github.queue();
    await play(world, { forMs: 300_000 });
    expect(world.pool.started).toEqual([]);
    expect(await world.stores.tenants.get(TENANT)).toMatchObject({ state: "pending", login: "Acme" });
    expect(world.log.of("tenant-pending")).toHaveLength(1);
    expect((await jobOf(world, id)).state).toBe("IN_QUEUE");
    Object.assign(world.deps, { tenants: [ACME] });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });

  test("suspended: nothing starts, even when named; after that everything does", async () => {
    const world = createWorld();
    await receiveInstallation(world.deps, { ...installation, action: "suspend" });
    world.github.queue();
    await play(world, { forMs: 300_000 });
    expect(world.pool.started).toEqual([]);
    expect(await receiveInstallation(world.deps, { ...installation, action: "unsuspend" })).toMatchObject({
      state: "approved",
    });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });

  test.each([
    [["created"], [], "pending"],
    [["created"], [ACME], "approved"],
    [["created", "deleted"], [ACME], "removed"],
    [["suspend", "changed"], [], "pending"],
  ] as const)("%j is %j %s", async (actions, tenants, state) => {
    const world = createWorld({ tenants: [...tenants] });
    for (const action of actions) await receiveInstallation(world.deps, { ...installation, action });
    expect(await world.stores.tenants.get(TENANT)).toMatchObject({
      state,
      version: actions.length,
      updatedAt: T0,
    });
  });

  type Event = Parameters<typeof receiveInstallation>[1];
  const at = (action: Event["action"], updatedAt: number | undefined, installationId = 99): Event => ({
    ...installation,
    action,
    installationId,
    updatedAt,
  });

  test.each<readonly [string, readonly Event[], string]>([
    ["installed anew", [at("deleted", 1), at("created", 2, 100)], "approved"],
    ["`deleted` of the installation before", [at("created", 2, 100), at("deleted", 1)], "approved"],
    ["its `suspend`", [at("created", 2, 100), at("suspend", 3)], "approved"],
    ["`created` after `deleted`", [at("deleted", 2), at("created", 1)], "removed"],
    ["`unsuspend` after `deleted`", [at("deleted", undefined), at("unsuspend", undefined)], "removed"],
    ["`suspend` after `unsuspend`", [at("unsuspend", 2), at("suspend", 1)], "approved"],
    // GitHub's own example of `unsuspend` has the time of the suspension.
    ["the same at one time", [at("unsuspend", 1), at("suspend", 1)], "approved"],
    ["a change after `suspend`", [at("suspend", 2), at("changed", 1)], "suspended"],
    ["suspended a second time", [at("unsuspend", 1), at("suspend", 2)], "suspended"],
    ["`deleted` without a newer time", [at("suspend", 2), at("deleted", 1)], "removed"],
  ])("late or in order: %s", async (_name, events, state) => {
    const world = createWorld();
    for (const event of events) await receiveInstallation(world.deps, event);
    expect(await world.stores.tenants.get(TENANT)).toMatchObject({ state });
  });

  test("two tenants share the pool by weight, and a quota holds", async () => {
    const other = { id: 5, login: "Other", type: "Organization" } as const;
    const world = createWorld({
      cards: 6,
      tenants: [
        { ...ACME, weight: 2 },
        { ...ACME, owner: "Other", maxCards: 1 },
      ],
    });
    for (let n = 0; n < 8; n++) world.github.queue();
    for (let n = 0; n < 8; n++) world.github.queue({ repository: { id: 9, name: "r", owner: other } });
    // All are there before anything is chosen.
    world.stream = "lost";
    await world.deliver();
    world.clock.advance(60_000);
    world.stream = "in-order";
    await world.reconcile();
    const tenants = world.pool.started.map((spec) => spec.tenant);
    expect(tenants.filter((tenant) => tenant === "5")).toHaveLength(1);
    expect(tenants).toHaveLength(6);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });
});
