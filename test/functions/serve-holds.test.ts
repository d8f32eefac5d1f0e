// How long `npm start` holds a client's call, on a clock that only waiting moves.
import { expect, test } from "vitest";
import { hashKey } from "../../functions/http/client/auth.ts";
import { createApp } from "../../functions/server.ts";
import { parseConfig } from "../../shared/config/parse.ts";
import { redact } from "../../shared/redacted.ts";
import type { ApiDeps } from "../../shared/usecases/client-plane/api-deps.ts";
import { programWorld } from "../fakes/api-world.ts";

const KEY = `npud_${"k".repeat(40)}`;

/** `onWait`: what happens while a call is held. */
function served(onWait: (end: AbortController) => void = () => undefined) {
  const world = programWorld({ cards: 0 });
  const parsed = parseConfig(`
    pools: {a2: {driver: local, kind: cpu}}
    endpoints: [{name: kandinsky, pool: a2, startedBy: api, command: [x]}]
    tenants: [{owner: Acme, ownerId: 4711}]
    apiKeys: [{name: t, owner: Acme, ownerId: 4711, hash: ${hashKey(KEY)}}]`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const closing = new AbortController();
  const next = async (ms: number) => {
    world.clock.advance(ms);
    onWait(closing);
  };
  const deps: ApiDeps = { ...world.deps, watches: { paceMs: 5_000, watch: () => ({ next, close() {} }) } };
  const secrets = {
    app: undefined,
    githubApiUrl: "http://127.0.0.1:9",
    dispatchSecret: redact("d".repeat(32)),
    dispatchSecretPrevious: undefined,
  };
  const tokens = { sign: () => "", verify: () => undefined };
  const plane = { tokens, publicUrl: "http://127.0.0.1", closing: closing.signal };
  const app = createApp(deps, { config: parsed.config, secrets }, plane);
  const headers = { authorization: KEY };
  return {
    async runsync(query: string) {
      const began = world.now();
      const init = { method: "POST", headers, body: '{"input":{}}' };
      const response = await app.request(`/v2/kandinsky/runsync${query}`, init);
      const { status } = (await response.json()) as { status: string };
      return { status, heldMs: world.now() - began };
    },
  };
}

test.each([
  ["as RunPod does, unless told otherwise", "", 90_000],
  ["for as long as the client says", "?wait=300000", 300_000],
  ["for no longer than RunPod may be asked to", "?wait=900000", 300_000],
  ["for a second at least", "?wait=1", 1_000],
])("/runsync is held %s", async (_what, query, heldMs) => {
  expect(await served().runsync(query)).toEqual({ status: "IN_QUEUE", heldMs });
});

test("a server that closes answers what it holds", async () => {
  expect(await served((closing) => closing.abort()).runsync("")).toEqual({
    status: "IN_QUEUE",
    heldMs: 5_000,
  });
});
