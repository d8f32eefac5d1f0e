// The three steps of a workflow over real processes: initialize, a workflow job on that worker, terminate; and nothing
// left.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { hashKey } from "../../functions/http/client/auth.ts";
import { startOidcIssuer } from "../fakes/oidc-issuer.ts";
import { type ActionHost, createActionHost } from "../smoke/action-host.ts";
import { type Session, startSession } from "./harness/session.ts";
import { startTokenEndpoint } from "./harness/token-endpoint.ts";
import { ORG } from "./serve-process.ts";
import { until } from "./until.ts";

const USER = "e2e-user";
const KEYS = { [ORG]: `npud_${"o".repeat(40)}`, [USER]: `npud_${"u".repeat(40)}` } as const;
type Login = keyof typeof KEYS;

const disposals: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

type World = Session & { readonly ownerIds: Readonly<Record<Login, number>> };

/** An organization and a user, each with a key, and RunPod's endpoint beside the ordinary one. */
async function open({ installed = true, oidcIssuer = "" } = {}): Promise<World> {
  const ownerIds = { [ORG]: 0, [USER]: 0 };
  const session = await startSession({
    extend(github, org) {
      ownerIds[ORG] = org.ownerId;
      ownerIds[USER] = github.addUser(USER, { installed }).ownerId;
      if (!installed) github.installationEvent("deleted", ORG);
      const key = (owner: Login) => ({
        name: "test",
        owner,
        ownerId: ownerIds[owner],
        hash: hashKey(KEYS[owner]),
      });
      return {
        endpoints: [
          {
            name: "runpod",
            pool: "local",
            cards: 1,
            startedBy: "api",
            defaultLabels: true,
            labels: ["runpod"],
          },
        ],
        tenants: [{ owner: USER, ownerId: ownerIds[USER] }],
        apiKeys: [key(ORG), key(USER)],
        ...(oidcIssuer !== "" && { oidcIssuer }),
      };
    },
  });
  disposals.push(() => session.serve.dispose());
  return { ...session, ownerIds };
}

/** As fjogeleit/http-request-action sends it. */
async function call(world: World, login: Login, path: string, body: object = {}) {
  const answer = await fetch(`${world.serve.url}/v2/runpod${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEYS[login]}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as { id: string; status: string; label: string; workerId?: string };
  return { http: answer.status, ...json };
}

async function nothingLeft(world: World): Promise<void> {
  await world.nothingLeft();
  const { github, output } = { github: world.serve.github, output: world.serve.output };
  await until("the user's runners to go", () => github.runners(USER).length === 0, { detail: output });
}

/** In clear: neither in a log nor in the store. */
async function isNowhere({ serve }: World, secret: string): Promise<void> {
  expect(serve.output()).not.toContain(secret);
  const files = (await readdir(serve.dataDir)).filter((name) => name.startsWith("dispatch.db"));
  expect(files).not.toEqual([]);
  for (const file of files) expect(await readFile(join(serve.dataDir, file), "latin1")).not.toContain(secret);
}

const started = ({ serve }: World) => [...serve.output().matchAll(/"event":"worker-started"/g)].length;

describe.each([
  { name: "organization, PAT", login: ORG, repo: "repo", org: ORG, pat: true },
  { name: "organization, key only", login: ORG, repo: "repo", org: undefined, pat: false },
  { name: "personal repository, PAT", login: USER, repo: "widgets", org: `${USER}/widgets`, pat: true },
  { name: "personal repository, key only", login: USER, repo: "widgets", org: `${USER}/widgets`, pat: false },
] as const)("$name", ({ login, repo, org, pat }) => {
  test("initialize, run on [self-hosted, runpod], terminate: one worker, nothing left", async () => {
    // With a token the App need not be installed.
    const world = await open({ installed: !pat });
    const { github } = world.serve;
    const token = pat ? github.addPersonalAccessToken(login) : undefined;
    const input = { model: "qwen", ...(org && { github_org: org }), ...(token && { github_pat: token }) };

    const job = await call(world, login, "/run", { input });
    expect(job).toMatchObject({ http: 200, status: "IN_QUEUE" });
    const { id } = github.queueWorkflowJob({
      owner: login,
      repo,
      labels: ["self-hosted", "runpod"],
      run: ["echo input=$JOB_INPUT", "env"],
    });
    await world.ended(id);
    const ended = github.workflowJob(id);
    expect(ended).toMatchObject({ conclusion: "success", runnerName: expect.stringMatching(/^npud-/) });
    const lines = ended.lines.join("\n");
    expect(lines).toContain('input={"model":"qwen"}');
    expect(lines).not.toMatch(/ghp_|GITHUB_PAT=|RUNPOD_/);
    await nothingLeft(world);
    const status = await call(world, login, `/status/${job.id}`);
    expect(status).toMatchObject({ status: "COMPLETED", workerId: ended.runnerName });

    // Harmless: it has ended.
    expect(await call(world, login, `/cancel/${job.id}`)).toMatchObject({ http: 200, status: "COMPLETED" });
    expect(started(world)).toBe(1);
    if (token !== undefined) await isNowhere(world, token);
  });
});

test("the unique label binds a workflow job to its own worker", async () => {
  const world = await open();
  const { github } = world.serve;
  const [first, second] = await Promise.all([
    call(world, ORG, "/run", { input: {} }),
    call(world, ORG, "/run", { input: {} }),
  ]);
  expect(first.label).toMatch(/^npud-job-/);
  const queue = (label: string) => world.queue(["true"], [label]);
  const jobs = [
    { job: first, id: queue(first.label) },
    { job: second, id: queue(second.label) },
  ];
  for (const { job, id } of jobs) {
    await world.ended(id);
    const runner = github.workflowJob(id).runnerName;
    await until("its end", async () => (await call(world, ORG, `/status/${job.id}`)).workerId === runner);
  }
  await nothingLeft(world);
  expect(started(world)).toBe(2);
});

test("the runner has the labels that workflows ask for", async () => {
  const world = await open();
  const job = await call(world, ORG, "/run", { input: {} });
  const { github } = world.serve;
  const isOnline = ({ status }: { status: string }) => status === "online";
  const runner = await until("the runner", () => github.runners(ORG).find(isOnline));
  expect(runner.labels.map((label) => label.toLowerCase())).toEqual(
    expect.arrayContaining(["self-hosted", "linux", "runpod", runner.name, job.label]),
  );
  await call(world, ORG, `/cancel/${job.id}`);
  await nothingLeft(world);
});

// A runner that is stopped tells GitHub failure.
test("cancel in the middle: the workflow job fails, the worker is gone", async () => {
  const world = await open();
  const job = await call(world, ORG, "/run", { input: {} });
  const id = world.queue(["sleep 60"], [job.label]);
  await world.running(id);
  expect(await call(world, ORG, `/cancel/${job.id}`)).toMatchObject({ http: 200, status: "CANCELLED" });
  await world.ended(id);
  expect(world.serve.github.workflowJob(id).conclusion).toBe("failure");
  await nothingLeft(world);
});

test("cancel before the worker is there: nothing is left, and a PAT is nowhere", async () => {
  const world = await open({ installed: false });
  const token = world.serve.github.addPersonalAccessToken(ORG);
  const job = await call(world, ORG, "/run", { input: { github_pat: token, github_org: ORG } });
  expect(await call(world, ORG, `/cancel/${job.id}`)).toMatchObject({ http: 200, status: "CANCELLED" });
  await nothingLeft(world);
  await isNowhere(world, token);
});

test("an organization that is a command is refused, and another tenant's job is not there", async () => {
  const world = await open();
  expect((await call(world, ORG, "/run", { input: { github_org: "acme; id" } })).http).toBe(400);
  const job = await call(world, ORG, "/run", { input: {} });
  expect((await call(world, USER, `/cancel/${job.id}`)).http).toBe(404);
  expect((await call(world, ORG, `/cancel/${job.id}`)).http).toBe(200);
  await nothingLeft(world);
});

describe("with our actions", () => {
  test("a key: initialize waits, its label is run on, terminate", async () => {
    const [world, host] = [await open(), await openHost()];
    const inputs = { url: world.serve.url, endpoint: "runpod", "api-key": KEYS[ORG] };
    const { code, outputs, printed } = await host.run("initialize", { ...inputs, wait: "30" });
    expect([code, printed]).toEqual([0, expect.stringContaining("is ready")]);
    const id = world.queue(["true"], [outputs["label"] ?? ""]);
    await world.ended(id);
    const end = await host.run("terminate", { ...inputs, "job-id": outputs["job-id"] ?? "" });
    expect([end.code, world.serve.github.workflowJob(id).conclusion]).toEqual([0, "success"]);
    await nothingLeft(world);
  });

  test("an OIDC token, no secret: the runner of a personal repository registers there", async () => {
    const issuer = await startOidcIssuer();
    disposals.push(() => issuer.close());
    const [world, host] = [await open({ oidcIssuer: issuer.url }), await openHost()];
    const repositoryId = world.serve.github.addRepository(USER, "widgets");
    const { env, dispose } = await startTokenEndpoint(issuer, {
      repository: `${USER}/widgets`,
      repository_id: String(repositoryId),
      repository_owner: USER,
      repository_owner_id: String(world.ownerIds[USER]),
      run_id: String(world.serve.github.startRun(USER, "widgets")),
    });
    disposals.push(dispose);
    const inputs = { url: world.serve.url, endpoint: "runpod", "api-key": "" };
    const { code, outputs, printed } = await host.run("initialize", inputs, env);
    expect([code, printed]).toEqual([0, expect.stringContaining("is queued")]);
    const { id } = world.serve.github.queueWorkflowJob({
      owner: USER,
      repo: "widgets",
      labels: [outputs["label"] ?? ""],
      run: ["true"],
    });
    await world.ended(id);
    const end = await host.run("terminate", { ...inputs, "job-id": outputs["job-id"] ?? "" }, env);
    expect([end.code, world.serve.github.workflowJob(id).conclusion]).toEqual([0, "success"]);
    await nothingLeft(world);
  });
});

async function openHost(): Promise<ActionHost> {
  const host = await createActionHost();
  disposals.push(() => host.dispose());
  return host;
}
