// The store's contract, part four: what the API plane keeps beside jobs.
import { expect, test } from "vitest";
import { createApiStores } from "../../shared/adapters/store/api-stores.ts";
import { endpointName, jobId, tenantId } from "../../shared/domain/ids.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import type { Payload } from "../../shared/domain/job/payload.ts";
import { INLINE_BYTES, inlinePayload } from "../../shared/domain/job/payload.ts";
import { anApiJob } from "../domain/job/api-builders.ts";
import type { StoreBench } from "./store-bench.ts";
import { nextOf, START } from "./store-nouns.ts";

const ECHO = endpointName("echo");
const OWNER = tenantId(7);
const HOUR_MS = 3_600_000;
const later = START + HOUR_MS;

/** JSON text of a text of `bytes` bytes, in characters of 1 to 4 bytes each and with much to escape. */
function jsonOf(bytes: number): string {
  const text = 'añ€😀"\\';
  return JSON.stringify(text.repeat(Math.ceil(bytes / 15)));
}

export function apiCases(bench: () => StoreBench): void {
  test("a small payload stays with its noun, and nothing is written", async () => {
    const { api, rows } = bench();
    const json = jsonOf(INLINE_BYTES - 100);
    expect(await api.payloads.put("job#a#1#in", json, later, OWNER)).toEqual(inlinePayload(json));
    expect(await rows.get("part#job#a#1#in#0")).toBeUndefined();
    expect(await api.payloads.get(inlinePayload(json))).toBe(json);
  });

  test("a large payload comes back to the byte, from parts below 200 kB", async () => {
    const { api, rows } = bench();
    const json = jsonOf(1_500_000);
    const payload = await api.payloads.put("job#a#1#in", json, later, OWNER);
    expect(payload).toMatchObject({ type: "parts", key: "job#a#1#in", bytes: Buffer.byteLength(json) });
    expect(await api.payloads.get(payload)).toBe(json);
    const first = await rows.get("part#job#a#1#in#0");
    expect(Buffer.byteLength(first?.data ?? "")).toBeGreaterThan(199_000);
    expect(Buffer.byteLength(first?.data ?? "")).toBeLessThanOrEqual(200_000);
  });

  test("the same key again replaces the parts; a reader of the old ones gets nothing rather than a mixture", async () => {
    const { api } = bench();
    const old = await api.payloads.put("key", jsonOf(500_000), later, OWNER);
    const json = jsonOf(300_000);
    const fresh = await api.payloads.put("key", json, later, OWNER);
    expect(await api.payloads.get(fresh)).toBe(json);
    expect(await api.payloads.get(old)).toBeUndefined();
  });

  test("parts go when they expire or are removed", async () => {
    const { api, clock } = bench();
    const json = jsonOf(250_000);
    const one = await api.payloads.put("one", json, later, OWNER);
    const other = await api.payloads.put("other", json, later, OWNER);
    await api.payloads.remove(one);
    await api.payloads.remove(inlinePayload("{}"));
    expect(await api.payloads.get(one)).toBeUndefined();
    expect(await api.payloads.get(other)).toBe(json);
    clock.advance(HOUR_MS);
    expect(await api.payloads.get(other)).toBeUndefined();
    const never: Payload = { type: "parts", key: "never", count: 2, bytes: 300_000 };
    expect(await api.payloads.get(never)).toBeUndefined();
  });

  test("bytes of a large payload are passed on part by part, as the text they are", async () => {
    const { api } = bench();
    const json = jsonOf(450_000);
    const payload = await api.payloads.put("job#a#1#in", Buffer.from(json), later, OWNER);
    if (payload.type !== "parts") throw new Error("it is small");
    const parts = await Promise.all([0, 1, 2, 3].map((number) => api.payloads.part(payload, number)));
    expect(parts.join("")).toBe(json);
    expect(parts[3]).toBeUndefined();
    expect(await api.payloads.put("small", Buffer.from("{}"), later, OWNER)).toEqual(inlinePayload("{}"));
  });

  test("what an owner has stored is known, and no longer when it was replaced, removed or has expired", async () => {
    const { api, clock } = bench();
    const total = () => api.stored.total(OWNER);
    expect(await total()).toBe(0);
    await api.payloads.put("small", jsonOf(20_000), later, OWNER);
    expect(await total()).toBe(0);
    const one = await api.payloads.put("one", jsonOf(1_000_000), later, OWNER);
    await api.payloads.put("one", jsonOf(1_000_000), later, OWNER);
    await api.payloads.put("other's", jsonOf(500_000), later, tenantId(8));
    await api.stored.note(OWNER, "stream", 3_000_000, START + 1_000);
    await api.stored.note(OWNER, "stream", 4_000_000, START + 1_000);
    const bytes = one.type === "parts" ? one.bytes : 0;
    expect(await total()).toBe(bytes + 4_000_000);
    // A payload of few bytes takes rows all the same.
    await api.payloads.put("least", jsonOf(40_000), later, OWNER);
    expect(await total()).toBe(bytes + 4_200_000);
    clock.advance(1_000);
    expect(await total()).toBe(bytes + 200_000);
    await api.payloads.remove(one);
    await api.payloads.remove(one);
    expect(await total()).toBe(200_000);
    clock.advance(HOUR_MS);
    expect(await total()).toBe(0);
  });

  test("chunks come in order, without those that are missing, expired or of another generation", async () => {
    const { api, clock } = bench();
    const id = jobId("a-e1");
    const put = (number: number, json: string, expiresAt = later) =>
      api.chunks.put(id, 1, number, json, expiresAt);
    await Promise.all([put(2, '"two"'), put(1, '"one"'), put(4, '"four"', START + 1_000)]);
    await api.chunks.put(id, 2, 3, '"next life"', later);
    const large = JSON.stringify("x".repeat(900_000));
    await put(5, large);
    expect(await api.chunks.list(id, 1, 1, 5)).toEqual(['"one"', '"two"', '"four"', large]);
    expect(await api.chunks.list(id, 1, 2, 2)).toEqual(['"two"']);
    expect(await api.chunks.list(id, 1, 3, 2)).toEqual([]);
    clock.advance(1_000);
    expect(await api.chunks.list(id, 1, 1, 4)).toEqual(['"one"', '"two"']);
  });

  test("an API key is written once", async () => {
    const { api } = bench();
    const key = { hash: "abc", tenant: tenantId(7), login: "acme", name: "ci", createdAt: START };
    expect(await api.apiKeys.get("abc")).toBeUndefined();
    expect(await api.apiKeys.create(key)).toBe(true);
    expect(await api.apiKeys.create({ ...key, name: "again" })).toBe(false);
    expect(await api.apiKeys.get("abc")).toEqual(key);
  });

  test("API keys are listed newest first; a revoked one stays so, with its first reason", async () => {
    const { api } = bench();
    const keyAt = (hash: string, createdAt: number) => ({
      hash,
      tenant: tenantId(7),
      login: "acme",
      name: hash,
      createdAt,
    });
    const [old, young, elsewhere] = [keyAt("aa", START), keyAt("bb", START + 1), keyAt("cc", 0)];
    for (const key of [old, young]) await api.apiKeys.create(key);
    const revoked = { at: START + 2, reason: "leaked", by: "admin" };
    expect(await api.apiKeys.revoke(old, revoked)).toEqual({ ...old, revoked });
    expect(await api.apiKeys.revoke(elsewhere, revoked)).toEqual({ ...elsewhere, revoked });
    const later = { at: START + 3, reason: "once more", by: "admin" };
    expect(await api.apiKeys.revoke(old, later)).toEqual({ ...old, revoked });
    expect(await api.apiKeys.get("aa")).toEqual({ ...old, revoked });
    expect(await api.apiKeys.create(old)).toBe(false);
    const all = [young, { ...old, revoked }, { ...elsewhere, revoked }];
    expect(await api.apiKeys.list(10)).toEqual(all);
    expect(await api.apiKeys.list(2)).toEqual(all.slice(0, 2));
  });

  test("open API jobs of an endpoint, oldest first, up to a limit; an ended one leaves", async () => {
    const { api, stores } = bench();
    const openOf = async (limit: number) => (await api.apiJobs.open(ECHO, limit)).map(({ id }) => id);
    const jobs = [3, 1, 2].map((place) => jobAt(`job-${place}`, START + place));
    for (const job of [...jobs, jobAt("elsewhere", START, "other")]) await stores.jobs.create(job);
    expect(await openOf(10)).toEqual(["job-1", "job-2", "job-3"]);
    expect(await openOf(2)).toEqual(["job-1", "job-2"]);
    await stores.jobs.replace(nextOf(jobs[1] as Job, { state: "IN_PROGRESS" }));
    expect(await openOf(1)).toEqual(["job-1"]);
    await stores.jobs.replace(nextOf(nextOf(jobs[1] as Job), { state: "CANCELLED" }));
    expect(await openOf(10)).toEqual(["job-2", "job-3"]);
  });

  test("open API jobs are listed with their owners, and without their data", async () => {
    const { stores, rows, clock } = bench();
    const [one, other] = [jobAt("one", START), { ...jobAt("other", START + 1), tenant: tenantId(9) }];
    for (const job of [one, other]) await stores.jobs.create(job);
    const refuse = async () => {
      throw new Error("the rows were listed with their data");
    };
    const api = createApiStores({ ...rows, querySet: refuse }, { clock });
    expect(await api.apiJobs.open(ECHO, 10)).toEqual([
      { id: "one", tenant: one.tenant },
      { id: "other", tenant: "9" },
    ]);
  });

  test("racing counts all count, each endpoint for itself", async () => {
    const { api } = bench();
    await Promise.all(Array.from({ length: 20 }, () => api.counts.add(ECHO, "completed")));
    await api.counts.add(ECHO, "failed");
    await api.counts.add(endpointName("other"), "retried");
    expect(await api.counts.get(ECHO)).toEqual({ completed: 20, failed: 1, retried: 0 });
    expect(await api.counts.get(endpointName("none"))).toEqual({ completed: 0, failed: 0, retried: 0 });
  });

  test("an ended job with a callback is due for it", async () => {
    const { stores } = bench();
    const callback = { url: "https://example.org/", tries: 0, dueAt: START + 5 };
    const job = anApiJob({ id: jobId("a-e1"), state: "COMPLETED" }, { callback });
    await stores.jobs.create(job);
    expect(await stores.due.due(START + 4, 10)).toEqual([]);
    expect(await stores.due.due(START + 5, 10)).toEqual([{ kind: "job", id: "a-e1", dueAt: START + 5 }]);
  });
}

function jobAt(id: string, now: number, endpoint = "echo"): Job {
  const made = anApiJob({ endpoint: endpointName(endpoint), id: jobId(id), createdAt: now });
  return { ...made, version: 0 };
}
