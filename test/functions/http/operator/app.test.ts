// The operator plane over HTTP: closed without a key, open to its key only, and nothing malformed gets through.
import { describe, expect, test } from "vitest";
import type { OperatorPlane } from "../../../../functions/http/operator/app.ts";
import { createOperatorApp } from "../../../../functions/http/operator/app.ts";
import { bindOperatorUseCases } from "../../../../functions/http/operator/use-cases.ts";
import { createRateLimiter } from "../../../../functions/http/rate-limit.ts";
import { rateLimited } from "../../../../shared/adapters/log/rate-limited.ts";
import { clientPlaneError } from "../../../../shared/protocol/client-plane.ts";
import {
  keysAnswer,
  newKeyAnswer,
  orderAnswer,
  stateAnswer,
} from "../../../../shared/protocol/operator-plane.ts";
import { redact } from "../../../../shared/redacted.ts";
import { readPauses } from "../../../../shared/usecases/dispatch/pause-gate.ts";
import { POOL } from "../../../domain/builders.ts";
import { A2, operatorWorld, queue } from "../../../usecases/operator-plane/operator-world.ts";
import { expectPromised } from "../contract.ts";

const KEY = "operator-key-of-at-least-32-characters";
const ROUTES = [
  ["GET", "state"],
  ["POST", "pause"],
  ["POST", "drain"],
  ["POST", "resume"],
  ["POST", "quarantine"],
  ["GET", "keys"],
  ["POST", "keys"],
  ["POST", "keys/revoke"],
] as const;
const KNOWN: ReadonlySet<string> = new Set(ROUTES.map(([, route]) => route));
const PAUSE = { pool: POOL, reason: "driver upgrade" };

function createOperator(overrides: Partial<OperatorPlane> = {}) {
  const world = operatorWorld();
  const { deps, log, clock } = world;
  const app = createOperatorApp({
    useCases: bindOperatorUseCases(deps),
    adminKey: redact(KEY),
    rateLimiter: createRateLimiter(clock),
    log,
    rejectionLog: rateLimited(log, { clock }),
    ...overrides,
  });
  const call = async (method: string, route: string, body?: unknown, authorization = `Bearer ${KEY}`) => {
    const response = await app.request(`/admin/${route}`, {
      method,
      headers: authorization === "" ? {} : { authorization },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (KNOWN.has(route)) expectPromised(method, `/admin/${route}`, response.status, text);
    const answer: unknown = JSON.parse(text);
    if (response.status !== 200) clientPlaneError.parse(answer);
    return { status: response.status, headers: response.headers, body: answer as Record<string, unknown> };
  };
  return { world, call };
}

describe("who may", () => {
  test.each(ROUTES)(
    "%s %s: nobody where no key is configured, not even without one",
    async (method, route) => {
      const { world, call } = createOperator({ adminKey: undefined });
      for (const credential of [`Bearer ${KEY}`, "Bearer undefined", "Bearer ", "Bearer [redacted]", ""]) {
        expect((await call(method, route, method === "POST" ? PAUSE : undefined, credential)).status).toBe(
          404,
        );
      }
      expect((await readPauses(world.deps)).entries).toEqual({});
      expect(world.log.of("operator-call-rejected")).toHaveLength(1);
    },
  );

  test.each(ROUTES)("%s %s: only who has the key", async (method, route) => {
    const { world, call } = createOperator();
    for (const credential of [
      "",
      KEY,
      `Basic ${KEY}`,
      "Bearer ",
      "Bearer [redacted]",
      `Bearer ${KEY.slice(1)}`,
      `Bearer ${KEY}x`,
      `Bearer ${KEY} ${KEY}`,
      `Bearer ${KEY.toUpperCase()}`,
      `Bearer ${"x".repeat(100_000)}`,
    ]) {
      const { status, headers } = await call(
        method,
        route,
        method === "POST" ? PAUSE : undefined,
        credential,
      );
      expect([status, headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Bearer")]);
    }
    expect((await readPauses(world.deps)).entries).toEqual({});
    expect(world.log.of("operator-call-rejected")).toHaveLength(1);
    expect(JSON.stringify(world.log.entries)).not.toContain(KEY);
    const { status } = await call(method, route, method === "POST" ? "{}" : undefined, `bearer ${KEY}`);
    expect(status).toBe(method === "POST" ? 400 : 200);
  });

  test("a path that is none is told only to who has the key", async () => {
    const { call } = createOperator();
    expect((await call("GET", "pause", undefined, "")).status).toBe(401);
    expect((await call("GET", "pause")).status).toBe(405);
    expect((await call("POST", "state", PAUSE)).headers.get("allow")).toBe("GET");
    expect((await call("POST", "purge", PAUSE)).status).toBe(404);
  });
});

test("orders are carried out, and the state shows them", async () => {
  const { world, call } = createOperator();
  queue(world, A2);
  await world.deliver();
  const orders = [
    ["pause", { endpoint: A2, reason: "broken image" }],
    ["drain", PAUSE],
    ["quarantine", { pool: POOL, card: 7, action: "add", reason: "HBM errors" }],
    ["quarantine", { pool: POOL, card: "6", action: "add", reason: "HBM errors" }],
    ["resume", { endpoint: A2, reason: "mended" }],
  ] as const;
  for (const [route, body] of orders) {
    const answer = await call("POST", route, body);
    expect([answer.status, orderAnswer.parse(answer.body).message]).toEqual([200, expect.any(String)]);
  }
  const state = stateAnswer.parse((await call("GET", "state")).body);
  expect(state.pauses).toMatchObject([{ kind: "pool", name: POOL, mode: "drain", by: "admin" }]);
  expect(state.pools[0]?.cards.map(({ card }) => card)).toEqual(["6", "7"]);
  expect(world.log.of("operator-order")).toHaveLength(5);
});

test("a key is made, shown in an answer that nobody may keep, listed and revoked", async () => {
  const { world, call } = createOperator();
  const made = await call("POST", "keys", { tenant: "acme", ownerId: 4711, name: "ci" });
  const { key } = newKeyAnswer.parse(made.body);
  expect([made.status, made.headers.get("cache-control")]).toEqual([200, "no-store"]);
  const [listed] = keysAnswer.parse((await call("GET", "keys")).body).keys;
  expect(listed).toMatchObject({ tenant: "4711", name: "ci", from: "store" });
  const revoked = await call("POST", "keys/revoke", { key: listed?.id, reason: "leaked" });
  expect(orderAnswer.parse(revoked.body).message).toContain("is revoked");
  const [after] = keysAnswer.parse((await call("GET", "keys")).body).keys;
  expect(after?.revoked).toMatchObject({ reason: "leaked", by: "admin" });
  expect(JSON.stringify(world.log.entries)).not.toContain(key);
  const unknown = await call("POST", "keys", { tenant: "nobody", name: "ci" });
  expect([unknown.status, unknown.body["key"]]).toEqual([409, undefined]);
});

test.each([
  ["keys", { name: "ci" }],
  ["keys", { tenant: "acme; id", name: "ci" }],
  ["keys", { tenant: "acme", name: "two\nlines" }],
  ["keys", { tenant: "acme", name: "ci", ownerId: "4711" }],
  ["keys/revoke", { key: "3f786850e387" }],
  ["keys/revoke", { key: "3f786850e38", reason: "x" }],
  ["keys/revoke", { key: `npud_${"a".repeat(40)}`, reason: "x" }],
  ["pause", ""],
  ["pause", "{"],
  ["pause", "[]"],
  ["pause", "null"],
  ["pause", { pool: POOL }],
  ["pause", { reason: "x" }],
  ["pause", { ...PAUSE, reason: "" }],
  ["pause", { ...PAUSE, reason: " . " }],
  ["pause", { ...PAUSE, reason: "two\nlines" }],
  ["pause", { ...PAUSE, reason: "x".repeat(201) }],
  ["pause", { ...PAUSE, pool: "../x" }],
  ["pause", { ...PAUSE, pool: 1 }],
  ["drain", { ...PAUSE, tenant: "acme" }],
  ["drain", { ...PAUSE, by: "somebody else" }],
  ["resume", { ...PAUSE, mode: "drain" }],
  ["quarantine", PAUSE],
  ["quarantine", { ...PAUSE, card: 1, action: "remove" }],
  ["quarantine", { ...PAUSE, card: -1, action: "add" }],
  ["quarantine", { ...PAUSE, card: 1.5, action: "add" }],
])("%s with %o is no order", async (route, body) => {
  const { world, call } = createOperator();
  expect((await call("POST", route, body)).status).toBe(400);
  expect(world.log.of("operator-order")).toEqual([]);
});

test("an unknown name is 404 with those that are known, an order that cannot be followed 409, a long body 413", async () => {
  const { call } = createOperator();
  const unknown = await call("POST", "pause", { pool: "__proto__", reason: "x" });
  expect([unknown.status, unknown.body["detail"]]).toEqual([
    404,
    'there is no pool "__proto__"; known are a2',
  ]);
  expect((await call("POST", "pause", `{"pool":"${"x".repeat(20_000)}"}`)).status).toBe(413);
  const refused = { type: "refused", message: "it chooses its cards itself" } as const;
  const { deps } = operatorWorld();
  const other = createOperator({
    useCases: { ...bindOperatorUseCases(deps), quarantine: async () => refused },
  });
  const body = { pool: POOL, card: 1, action: "add", reason: "x" };
  expect(await other.call("POST", "quarantine", body)).toMatchObject({
    status: 409,
    body: { detail: refused.message },
  });
});

test("a flood is held off, of orders and of looks; without the key it holds off nobody", async () => {
  const { call } = createOperator();
  for (let n = 0; n < 200; n++) await call("POST", "pause", PAUSE, "Bearer wrong");
  for (let n = 0; n < 10; n++) expect((await call("GET", "state")).status).toBe(200);
  const held = await call("GET", "state");
  expect([held.status, Number(held.headers.get("retry-after"))]).toEqual([429, 11]);
  for (let n = 0; n < 100; n++) expect((await call("POST", "pause", PAUSE)).status).toBe(200);
  expect((await call("POST", "pause", PAUSE)).status).toBe(429);
});

test("a fault is said, logged, and never taken for success", async () => {
  const { deps } = operatorWorld();
  const broken = async () => {
    throw new Error("the table does not answer");
  };
  const { world, call } = createOperator({ useCases: { ...bindOperatorUseCases(deps), pause: broken } });
  const answer = await call("POST", "pause", PAUSE);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(JSON.stringify(answer.body)).not.toContain("table");
  expect(world.log.of("operator-call-failed")).toHaveLength(1);
});
