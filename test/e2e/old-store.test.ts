// `npm start` on the store of an earlier commit: it comes up, and its keys, results and orders are there.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  ADMIN_KEY,
  copyOldStore,
  DISPATCH_SECRET,
  type OldWorld,
  openOldWorld,
} from "../adapters/old-store/old-world.ts";
import { type Picture, readPicture } from "../adapters/old-store/picture.ts";
import { createServe } from "./serve-process.ts";

const disposals: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

test("npm start comes up with a store of commit d4dd82b", async () => {
  const { dir, dispose } = await copyOldStore();
  disposals.push(dispose);
  const picture = await readPicture(dir);
  await pauseAll(await openOldWorld(dir, picture.at), picture);
  const serve = await createServe({
    env: { DISPATCH_SECRET, ADMIN_KEY },
    aheadMs: () => picture.at - Date.now(),
  });
  disposals.push(() => serve.dispose());
  await copyFile(join(dir, "dispatch.db"), join(serve.dataDir, "dispatch.db"));
  await copyFile(join(dir, "dispatch.json"), join(serve.dir, "dispatch.yaml"));
  await serve.start();

  const get = async (path: string, key: string) => {
    const answer = await fetch(serve.url + path, { headers: { authorization: `Bearer ${key}` } });
    return { http: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const { kept, revoked } = picture.keys;
  const ended = picture.jobs.filter(({ endpoint, end }) => endpoint === "program" && end !== undefined);
  expect(ended.length).toBeGreaterThan(3);
  for (const { id, status } of ended) {
    const { http, body } = await get(`/v2/program/status/${id}`, kept);
    expect([http, body["status"]]).toEqual([status.http, status.status]);
  }
  // Their containers may be anywhere: nothing on this machine says that they ended.
  for (const { id } of picture.jobs.filter(({ what }) => what.startsWith("a program's job that runs"))) {
    expect((await get(`/v2/program/status/${id}`, kept)).body).toMatchObject({ status: "IN_PROGRESS" });
  }
  expect((await get("/v2/program/health", revoked)).http).toBe(401);
  const { body } = await get("/admin/state", ADMIN_KEY);
  expect(body["pauses"]).toEqual(expect.arrayContaining([...picture.pauses]));
  expect(await serve.close()).toBe(0);
});

/** Or it would start real workers for all that waits there. */
async function pauseAll(world: OldWorld, { pools }: Picture): Promise<void> {
  for (const { name } of pools.filter(({ name }) => name !== "paused")) {
    const answer = await world.app.request("/admin/pause", {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ pool: name, reason: "only looked at" }),
    });
    expect(answer.status).toBe(200);
  }
  world.close();
}
