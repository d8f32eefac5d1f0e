// The stand-in's API: who may call what, and that every answer fits GitHub's own description.
import { createAppAuth } from "@octokit/auth-app";
import { request } from "@octokit/request";
import { afterEach, expect, test } from "vitest";
import {
  type GithubStandIn,
  type GithubStandInOptions,
  startGithubStandIn,
} from "../fakes/github/stand-in.ts";
import { appJwt, ask, connectJit, type Json, mint } from "./github-client.ts";

const started: GithubStandIn[] = [];
let nowMs = 1_795_000_000_000;
const HOUR_MS = 3_600_000;

afterEach(async () => {
  await Promise.all(started.splice(0).map((github) => github.stop()));
});

async function start(options: GithubStandInOptions = {}): Promise<GithubStandIn> {
  const github = await startGithubStandIn({ now: () => nowMs, ...options });
  started.push(github);
  return github;
}

async function startWithOrg(options: GithubStandInOptions = {}) {
  const github = await start(options);
  const { installationId } = github.addOrganization("octo-org", { runnerGroups: [{ name: "npus" }] });
  return { github, installationId, token: await mint(github, installationId, nowMs) };
}

function jitBody(name: string, labels: readonly string[] = ["npu"]) {
  return { name, labels, runner_group_id: 1 };
}

test("@octokit/auth-app gets a token with the generated key and can use it", async () => {
  const github = await start({ now: Date.now });
  const { installationId } = github.addOrganization("octo-org");
  const client = request.defaults({ baseUrl: github.apiUrl });
  const auth = createAppAuth({ appId: github.appId, privateKey: github.privateKey, request: client });
  const app = await client("GET /app", {
    headers: { authorization: `bearer ${(await auth({ type: "app" })).token}` },
  });
  expect(app.data).toMatchObject({ id: github.appId });

  const { token } = await auth({ type: "installation", installationId: installationId! });

  expect(token).toMatch(/^ghs_417020_[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(token.length).toBeGreaterThan(480);
  const groups = await client("GET /orgs/{org}/actions/runner-groups", {
    org: "octo-org",
    headers: { authorization: `token ${token}` },
  });
  expect(groups.data.runner_groups.map((group) => group.name)).toEqual(["Default"]);
});

test.each([
  ["expired", { iat: -700, exp: -100 }, 401, /Expiration time/],
  ["longer than ten minutes", { iat: 0, exp: 601 }, 401, /too far in the future/],
  ["from the future", { iat: 90, exp: 600 }, 401, /Issued at/],
  ["of another App", { iss: 1 }, 404, /Integration not found/],
])("refuses an App JWT that is %s", async (_what, { iat, exp, iss }: Json, status, message) => {
  const github = await start();
  const seconds = Math.floor(nowMs / 1_000);
  const times = iat === undefined ? {} : { iat: seconds + iat, exp: seconds + exp };
  const token = appJwt(github, nowMs, { ...times, ...(iss === undefined ? {} : { iss }) });
  const answer = await ask(github, "GET", "/app", { token });
  expect(answer).toMatchObject({ status, body: { message: expect.stringMatching(message) } });
});

test("refuses a JWT signed with another key", async () => {
  const [github, other] = [await start(), await start({ ownKey: true })];
  const token = appJwt({ ...other, appId: github.appId }, nowMs);
  expect(await ask(github, "GET", "/app", { token })).toMatchObject({
    status: 401,
    body: { message: "A JSON web token could not be decoded" },
  });
});

test("a repeated JWT gets no second token when that switch is on", async () => {
  const github = await start({ rejectRepeatedJwt: true });
  const { installationId } = github.addOrganization("octo-org");
  const token = appJwt(github, nowMs);
  const path = `/app/installations/${installationId}/access_tokens`;
  expect((await ask(github, "POST", path, { token })).status).toBe(201);
  expect((await ask(github, "POST", path, { token })).status).toBe(404);
});

test("installation tokens end after an hour, with their installation, and at suspension", async () => {
  const { github, installationId, token } = await startWithOrg();
  const runners = () => ask(github, "GET", "/orgs/octo-org/actions/runners", { token });
  expect((await runners()).status).toBe(200);
  nowMs += HOUR_MS;
  expect((await runners()).status).toBe(401);

  github.installationEvent("suspend", "octo-org");
  await expect(mint(github, installationId, nowMs)).rejects.toThrow("403");
  github.installationEvent("unsuspend", "octo-org");
  const again = await mint(github, installationId, nowMs);
  github.installationEvent("deleted", "octo-org");
  expect((await ask(github, "GET", "/orgs/octo-org/actions/runners", { token: again })).status).toBe(401);
  await expect(mint(github, installationId, nowMs)).rejects.toThrow("404");
  github.installationEvent("created", "octo-org");
  const jwt = appJwt(github, nowMs);
  const found = await ask(github, "GET", "/orgs/octo-org/installation", { token: jwt });
  expect(found.body.id).not.toBe(installationId);
});

test("a token of one owner finds nothing of another, and lacks what was not granted", async () => {
  const { github, token } = await startWithOrg();
  const poor = github.addOrganization("poor-org", { permissions: { metadata: "read", actions: "read" } });
  expect((await ask(github, "GET", "/orgs/poor-org/actions/runners", { token })).status).toBe(404);
  const theirs = await mint(github, poor.installationId, nowMs);
  const refused = await ask(github, "GET", "/orgs/poor-org/actions/runners", { token: theirs });
  expect(refused).toMatchObject({ status: 403, body: { message: "Resource not accessible by integration" } });
  expect(refused.headers.get("x-accepted-github-permissions")).toBe("organization_self_hosted_runners=read");
});

test("every endpoint answers in GitHub's form", async () => {
  const { github, token } = await startWithOrg();
  github.addRepository("octo-org", "widgets");
  const job = github.queueWorkflowJob({ owner: "octo-org", repo: "widgets", labels: ["npu"], run: ["true"] });
  const jwt = appJwt(github, nowMs);
  const repo = "/repos/octo-org/widgets";
  const asApp = [
    "/app",
    "/orgs/octo-org/installation",
    `${repo}/installation`,
    "/users/octo-org/installation",
  ];
  const asInstallation = [
    "/orgs/octo-org/actions/runners?per_page=1",
    "/orgs/octo-org/actions/runner-groups?visible_to_repository=widgets",
    `${repo}/actions/runners`,
    `${repo}/actions/jobs/${job.id}`,
    `${repo}/actions/runs/${job.runId}`,
    `${repo}/actions/runs/${job.runId}/jobs`,
    "/rate_limit",
    "/meta",
  ];
  for (const path of [...asApp, "/app/hook/deliveries"])
    expect(await ask(github, "GET", path, { token: jwt }), path).toMatchObject({ status: 200 });
  for (const path of asInstallation)
    expect(await ask(github, "GET", path, { token }), path).toMatchObject({ status: 200 });
  for (const base of ["/orgs/octo-org", repo]) {
    for (const kind of ["registration", "remove"])
      expect((await ask(github, "POST", `${base}/actions/runners/${kind}-token`, { token })).status).toBe(
        201,
      );
    const made = await ask(github, "POST", `${base}/actions/runners/generate-jitconfig`, {
      token,
      body: jitBody("w"),
    });
    expect(made).toMatchObject({ status: 201, body: { runner: { status: "offline", ephemeral: true } } });
    const path = `${base}/actions/runners/${made.body.runner.id}`;
    expect((await ask(github, "GET", path, { token })).body.labels).toEqual([
      { id: 100, name: "npu", type: "custom" },
    ]);
    expect((await ask(github, "DELETE", path, { token })).status).toBe(204);
    expect((await ask(github, "DELETE", path, { token })).status).toBe(404);
  }
  expect((await ask(github, "POST", `${repo}/actions/runs/${job.runId}/cancel`, { token })).status).toBe(202);
  expect((await ask(github, "POST", `${repo}/actions/runs/${job.runId}/cancel`, { token })).status).toBe(409);
  expect((await ask(github, "GET", "/orgs/octo-org/nothing", { token })).status).toBe(404);
  expect(github.clientCalls.filter((call) => call.status >= 500)).toEqual([]);
});

test("JIT configurations: one name once, right labels, a known group, one session", async () => {
  const { github, token } = await startWithOrg();
  const make = (body: unknown) =>
    ask(github, "POST", "/orgs/octo-org/actions/runners/generate-jitconfig", { token, body });
  const first = await make(jitBody("w-1"));
  expect((await make(jitBody("W-1"))).status).toBe(409);
  expect((await make(jitBody("w-2", []))).status).toBe(422);
  expect((await make(jitBody("w-2", ["x".repeat(257)]))).status).toBe(422);
  expect((await make({ ...jitBody("w-2"), runner_group_id: 77 })).status).toBe(422);
  await connectJit(github, first.body.encoded_jit_config);
  await expect(connectJit(github, first.body.encoded_jit_config)).rejects.toThrow("409");
  const byName = await ask(github, "GET", "/orgs/octo-org/actions/runners?name=w-1", { token });
  expect(byName.body).toMatchObject({ total_count: 1, runners: [{ name: "w-1", status: "online" }] });
});

test("lists come in pages", async () => {
  const { github, token } = await startWithOrg();
  for (const name of ["a", "b", "c"])
    await ask(github, "POST", "/orgs/octo-org/actions/runners/generate-jitconfig", {
      token,
      body: jitBody(name),
    });
  const first = await ask(github, "GET", "/orgs/octo-org/actions/runners?per_page=2", { token });
  expect(first.body.runners.map((runner: Json) => runner.name)).toEqual(["a", "b"]);
  const next = /<(.+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
  const second = await ask(github, "GET", next, { token });
  expect(second.body.runners.map((runner: Json) => runner.name)).toEqual(["c"]);
  expect(second.headers.get("link")).toBeNull();
});
