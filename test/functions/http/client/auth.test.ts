// Who may do what: every route of both planes with every kind of credential.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tenantId } from "../../../../shared/domain/ids.ts";
import { aWorkerId, POOL, T0, TENANT } from "../../../domain/builders.ts";
import type { OidcIssuer } from "../../../fakes/oidc-issuer.ts";
import { startOidcIssuer } from "../../../fakes/oidc-issuer.ts";
import { tokensOf } from "../http-world.ts";
import type { ClientWorld } from "./client-world.ts";
import { createClientWorld, ECHO, KEY, OTHER_KEY, REVOKED_KEY } from "./client-world.ts";

let issuer: OidcIssuer;
beforeAll(async () => {
  issuer = await startOidcIssuer();
});
afterAll(() => issuer.close());

const at = `/v2/${ECHO}`;
/** For keys only: a workflow step would see other repositories' jobs. */
const NEAR_MISSES = "/v2/near-misses";
const CLIENT_ROUTES: readonly (readonly [string, string])[] = [
  ["POST", `${at}/run`],
  ["POST", `${at}/runsync`],
  ["GET", `${at}/status/{id}`],
  ["GET", `${at}/status-sync/{id}`],
  ["GET", `${at}/stream/{id}`],
  ["POST", `${at}/cancel/{id}`],
  ["POST", `${at}/retry/{id}`],
  ["POST", `${at}/purge-queue`],
  ["GET", `${at}/health`],
  ["GET", `${at}/requests`],
  ["GET", NEAR_MISSES],
];
const OF_A_JOB = /\{id\}/;

const WORKER = aWorkerId("npud-t3st00-worker0001");
const OTHER_WORKER = aWorkerId("npud-t3st00-worker0002");
const WORKER_ROUTES: readonly (readonly [string, string])[] = [
  ["GET", `${at}/job-take/${WORKER}`],
  ["POST", `${at}/registration/${WORKER}?registration=token`],
  ["GET", `${at}/ping/${WORKER}`],
  ["GET", `${at}/job-take-batch/${WORKER}?batch_size=2`],
  ["GET", `${at}/job-stop/${WORKER}`],
  ["POST", `${at}/job-done/${WORKER}/{id}`],
  ["POST", `${at}/job-stream/${WORKER}/{id}`],
];

/** RunPod's SDK pauses after no other refusal of these. */
const POLL = /job-(take|stop)/;

const claimsOf = (worker: typeof WORKER) =>
  ({ worker, pool: POOL, endpoint: ECHO, tenant: TENANT }) as Parameters<typeof tokensOf>[0];

const CREDENTIALS = {
  none: async () => null,
  empty: async () => "Bearer ",
  wrong: async () => `npud_${"z".repeat(40)}`,
  nonsense: async () => "Basic YWRtaW46YWRtaW4=",
  "expired OIDC": () => issuer.sign(T0, { ageMs: 700_000 }),
  "OIDC for another service": () => issuer.sign(T0, { audience: "https://elsewhere.example" }),
  "forged OIDC": () => issuer.sign(T0, { forged: true }),
  "OIDC of no tenant": () =>
    issuer.sign(T0, {
      claims: { repository_owner_id: "99", repository_owner: "stranger", repository: "stranger/x" },
    }),
  "other tenant's key": async () => OTHER_KEY,
  "OIDC of another repository": () => issuer.sign(T0, { claims: { repository_id: "82" } }),
  worker: async () => tokensOf(claimsOf(WORKER)).right,
  "another worker": async () => tokensOf(claimsOf(OTHER_WORKER)).right,
  "revoked key": async () => REVOKED_KEY,
  operator: async () => `npudo_${"c".repeat(40)}`,
  OIDC: () => issuer.sign(T0),
  key: async () => KEY,
} as const;
type Kind = keyof typeof CREDENTIALS;

/** On the client plane: of a job that KEY made, of the endpoint. */
const CLIENT_ANSWERS: { readonly [kind in Kind]: readonly [number, number] } = {
  none: [401, 401],
  empty: [401, 401],
  wrong: [401, 401],
  nonsense: [401, 401],
  "revoked key": [401, 401],
  "expired OIDC": [401, 401],
  "OIDC for another service": [401, 401],
  "forged OIDC": [401, 401],
  "OIDC of no tenant": [403, 403],
  "other tenant's key": [404, 200],
  "OIDC of another repository": [404, 200],
  worker: [401, 401],
  "another worker": [401, 401],
  operator: [401, 401],
  // It sees its repository's jobs only, and a key's job is of none.
  OIDC: [404, 200],
  key: [200, 200],
};

function expectedOf(kind: Kind, route: string): number {
  const [ofJob, ofEndpoint] = CLIENT_ANSWERS[kind];
  if (OF_A_JOB.test(route)) return ofJob;
  const isStep = ofEndpoint === 200 && kind.startsWith("OIDC");
  return route === NEAR_MISSES && isStep ? 403 : ofEndpoint;
}

describe.each(Object.keys(CREDENTIALS) as Kind[])("%s", (kind) => {
  test.each(CLIENT_ROUTES)("%s %s", async (method, route) => {
    const { world, id } = await worldWithJob();
    const key = await CREDENTIALS[kind]();
    const before = world.fuse.count;
    const body = /\/run/.test(route) ? { input: {} } : undefined;
    const answer = await world.call(method, route.replace("{id}", id), { key, body });
    const expected = expectedOf(kind, route);
    expect(answer.status).toBe(expected);
    if (expected === 401) {
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      expect(JSON.stringify(answer.body)).not.toContain(key || "no such text");
      // At most one read, of a key's hash.
      expect(world.fuse.count - before).toBeLessThanOrEqual(
        kind === "wrong" || kind === "revoked key" ? 1 : 0,
      );
    }
  });

  test.each(WORKER_ROUTES)("%s %s", async (method, route) => {
    const { world, id } = await worldWithJob();
    const key = await CREDENTIALS[kind]();
    const path = route.replace("{id}", id);
    const answer = await world.call(method, path, { key, body: method === "POST" ? "{}" : undefined });
    if (kind === "worker") expect([401, 403]).not.toContain(answer.status);
    else if (POLL.test(route)) expect(answer.status).toBe(429);
    else expect(answer.status).toBe(kind === "another worker" ? 403 : 401);
  });
});

test("an OIDC caller sees, lists, purges and cancels its own repository's jobs only, a key all of its tenant's", async () => {
  const world = await createClientWorld({ issuer });
  const own = async () => ({ key: await issuer.sign(T0) });
  const other = async () => ({ key: await issuer.sign(T0, { claims: { repository_id: "82" } }) });
  const { body } = await world.call("POST", `${at}/run`, { ...(await own()), body: { input: {} } });
  const id = body["id"] as string;
  expect((await world.job(id)).api).toMatchObject({
    repositoryId: 81,
    run: { owner: "Acme", repo: "kernels", runId: 7001, runAttempt: 1 },
  });
  expect((await world.call("GET", `${at}/status/${id}`, await other())).status).toBe(404);
  expect((await world.call("GET", `${at}/requests`, await other())).body).toEqual({ requests: [] });
  expect((await world.call("POST", `${at}/purge-queue`, await other())).body).toMatchObject({ removed: 0 });
  expect((await world.call("POST", `${at}/cancel/${id}`, await other())).status).toBe(404);
  expect((await world.call("GET", `${at}/status/${id}`)).status).toBe(200);
  expect((await world.call("POST", `${at}/cancel/${id}`, await own())).body).toMatchObject({
    status: "CANCELLED",
  });
});

test("an OIDC token starts one job: the same body again is that job, another body is refused", async () => {
  const world = await createClientWorld({ issuer });
  const key = await issuer.sign(T0);
  const run = (input: unknown) => world.call("POST", `${at}/run`, { key, body: { input } });
  const first = await run(1);
  expect((await run(1)).body["id"]).toBe(first.body["id"]);
  expect((await run(2)).status).toBe(409);
  expect((await world.call("GET", `${at}/status/${first.body["id"]}`, { key })).status).toBe(200);
});

test("a tenant that GitHub says is suspended may do nothing, and its key neither", async () => {
  const { world } = await worldWithJob();
  const tenant = {
    id: tenantId(TENANT),
    version: 1,
    login: "Acme",
    ownerType: "Organization",
    installationId: 1,
    state: "suspended",
    updatedAt: T0,
  } as const;
  await world.stores.tenants.create(tenant);
  expect((await world.call("GET", `${at}/health`)).status).toBe(403);
  expect((await world.call("GET", `${at}/health`, { key: await issuer.sign(T0) })).status).toBe(403);
  await world.stores.tenants.replace({ ...tenant, version: 2, state: "approved" });
  expect((await world.call("GET", `${at}/health`)).status).toBe(200);
});

test("a flood of unknown credentials is one line a minute for each kind", async () => {
  const { world } = await worldWithJob();
  for (let times = 0; times < 200; times++) {
    await world.call("GET", `${at}/health`, { key: `npud_${String(times).padStart(40, "x")}` });
    await world.call("GET", `${at}/health`, { key: null });
  }
  expect(world.log.of("client-call-rejected")).toHaveLength(2);
});

test("made-up tokens while the issuer is away fill no log", async () => {
  const world = await createClientWorld();
  for (let n = 0; n < 30; n++) await world.call("GET", `${at}/health`, { key: await issuer.sign(T0) });
  expect(world.log.of("client-call-failed")).toHaveLength(1);
  world.clock.advance(61_000);
  await world.call("GET", `${at}/health`, { key: await issuer.sign(T0) });
  expect(world.log.of("client-call-failed")).toMatchObject([{}, { count: 29 }]);
});

test("an issuer that is away is 503 with a time to wait, not a refusal", async () => {
  const world = await createClientWorld({ issuer: { url: "http://127.0.0.1:9" } });
  const { status, headers } = await world.call("GET", `${at}/health`, { key: await issuer.sign(T0) });
  expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
});

async function worldWithJob(): Promise<{ world: ClientWorld; id: string }> {
  const world = await createClientWorld({ issuer });
  const id = await world.queue();
  await world.end(id, { state: "FAILED", reason: "worker-failed", error: "x" });
  return { world, id };
}
