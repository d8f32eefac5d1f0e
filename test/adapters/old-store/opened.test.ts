// A store that commit d4dd82b left behind, killed in the middle of everything, opens with all that was in it.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NearMiss } from "../../../shared/ports/store.ts";
import { ADMIN_KEY, copyOldStore, type OldWorld, openOldWorld } from "./old-world.ts";
import { type Picture, type PicturedJob, readPicture, textOf } from "./picture.ts";

const { dir, dispose } = await copyOldStore();
const picture: Picture = await readPicture(dir);
let world: OldWorld;

beforeAll(async () => {
  world = await openOldWorld(dir, picture.at);
});
afterAll(async () => {
  world.close();
  await dispose();
});

async function get(path: string, key: string) {
  const answer = await world.app.request(path, { headers: { authorization: `Bearer ${key}` } });
  return { http: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const ACME = "4711";
const keyOf = ({ tenant }: PicturedJob) => (tenant === ACME ? picture.keys.acme : picture.keys.kept);

test("the picture is not empty", () => {
  expect(picture.jobs.length).toBeGreaterThan(50);
  expect(new Set(picture.jobs.map(({ what }) => what)).size).toBe(picture.jobs.length);
});

test("the deployment keeps its id, so that its workers and runners are still its own", () => {
  expect(world.deps.deployment).toBe(picture.deployment);
});

test.each(picture.jobs.map((job) => [job.what, job] as const))(
  "%s: where it was",
  async (_what, pictured) => {
    const { stores, deps } = world;
    const job = await stores.jobs.get(pictured.id);
    expect(job).toMatchObject({
      state: pictured.state,
      endpoint: pictured.endpoint,
      pool: pictured.pool,
      cards: pictured.cards,
      tenant: pictured.tenant,
      starts: pictured.starts,
    });
    expect([job?.workerId, job?.hold?.reason, job?.end?.reason]).toEqual([
      pictured.worker,
      pictured.hold,
      pictured.end,
    ]);
    const api = job?.api;
    if (api === undefined) return;
    const { payloads, chunks } = stores.api;
    expect(textOf(await payloads.get(api.input))).toEqual(pictured.input);
    expect(api.output && textOf(await payloads.get(api.output))).toEqual(pictured.output);
    const written = await chunks.list(pictured.id, api.generation, 1, api.stream.written);
    expect(written).toEqual(pictured.chunks ?? []);
    const pat = api.runner?.sealedPat && deps.seal.open(pictured.id, api.runner.sealedPat);
    expect(pat && createHash("sha256").update(pat).digest("hex")).toEqual(pictured.patSha256);
  },
);

test.each(picture.jobs.map((job) => [job.what, job] as const))("%s: its status", async (_what, job) => {
  const { http, body } = await get(`/v2/${job.endpoint}/status/${job.id}`, keyOf(job));
  const { status, phase, workerId, whyWaiting } = body as Record<string, unknown> & {
    whyWaiting?: { code: string };
  };
  expect({ http, status, phase, workerId, why: whyWaiting?.code }).toEqual({
    phase: undefined,
    workerId: undefined,
    why: undefined,
    ...job.status,
  });
});

test("workers, their cards and the pools' ledgers", async () => {
  for (const { id, job, ...rest } of picture.workers) {
    expect(await world.stores.workers.get(id)).toMatchObject({ ...rest, jobId: job });
  }
  for (const { name, total, reservations, trouble } of picture.pools) {
    const pool = await world.stores.pools.get(name);
    expect(pool).toMatchObject({ total, reservations });
    expect(pool?.trouble).toEqual(trouble);
    const live = picture.workers.filter((worker) => worker.pool === name && worker.state !== "released");
    const found = (await world.stores.workers.live(name)).map(({ id }) => id);
    expect(new Set(found)).toEqual(new Set(live.map(({ id }) => id)));
  }
});

test("each lane has its waiting jobs", async () => {
  const { lanes, jobs } = world.stores;
  for (const lane of picture.lanes) {
    expect(await lanes.list(lane.pool)).toContainEqual(lane);
    const waiting = picture.jobs.filter(
      ({ pool, tenant, state, worker, hold }) =>
        pool === lane.pool &&
        tenant === lane.tenant &&
        state === "IN_QUEUE" &&
        worker === undefined &&
        hold === undefined,
    );
    const heads = await jobs.heads(lane, 100);
    expect(new Set(heads.map(({ id }) => id))).toEqual(new Set(waiting.map(({ id }) => id)));
  }
});

test("keys open what they opened, and one that was revoked opens nothing", async () => {
  const { keys } = picture;
  expect((await get("/v2/program/health", keys.kept)).http).toBe(200);
  expect((await get("/v2/program/health", keys.acme)).http).toBe(200);
  expect((await get("/v2/program/health", keys.revoked)).http).toBe(401);
  expect((await get("/admin/keys", ADMIN_KEY)).body["keys"]).toEqual(picture.listedKeys);
});

test("pauses and quarantines hold, near misses and repositories are remembered", async () => {
  const { body } = await get("/admin/state", ADMIN_KEY);
  expect(body["pauses"]).toEqual(picture.pauses);
  const pools = body["pools"] as { name: string; cards: { card: string; quarantine?: string }[] }[];
  const quarantined = pools.flatMap(({ name, cards }) =>
    cards.map(({ card, quarantine }) => `${name} ${card} ${quarantine}`),
  );
  expect(new Set(quarantined)).toEqual(new Set(["gated 0 timed", "gated 1 timed", "second 7 by-hand"]));
  const owners = new Set((picture.nearMisses as NearMiss[]).map(({ tenant }) => tenant));
  const misses = await Promise.all([...owners].map((tenant) => world.stores.nearMisses.list(tenant, 100)));
  expect(misses.flat()).toEqual(picture.nearMisses);
  expect(await world.stores.repositories.list(100)).toEqual(picture.repositories);
});
