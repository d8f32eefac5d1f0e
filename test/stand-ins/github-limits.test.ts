// The stand-in's limits and ordered failures: what a client must survive.
import { afterEach, expect, test } from "vitest";
import {
  type GithubStandIn,
  type GithubStandInOptions,
  startGithubStandIn,
} from "../fakes/github/stand-in.ts";
import { ask, mint } from "./github-client.ts";

const started: GithubStandIn[] = [];
let nowMs = 1_795_000_000_000;

afterEach(async () => {
  await Promise.all(started.splice(0).map((github) => github.stop()));
});

async function start(options: GithubStandInOptions) {
  const github = await startGithubStandIn({ now: () => nowMs, ...options });
  started.push(github);
  const { installationId } = github.addOrganization("octo-org");
  let token = await mint(github, installationId, nowMs);
  let count = 0;
  return {
    github,
    async renew() {
      token = await mint(github, installationId, nowMs);
    },
    list: () => ask(github, "GET", "/orgs/octo-org/actions/runners", { token }),
    makeJit: (name = `w-${count++}`) =>
      ask(github, "POST", "/orgs/octo-org/actions/runners/generate-jitconfig", {
        token,
        body: { name, labels: ["npu"], runner_group_id: 1 },
      }),
  };
}

test("the hourly budget is counted, shown, refused and renewed", async () => {
  const { list, renew } = await start({ callsPerHour: 2 });
  expect((await list()).headers.get("x-ratelimit-remaining")).toBe("1");
  await list();
  const refused = await list();
  expect(refused).toMatchObject({
    status: 403,
    body: { message: expect.stringMatching(/^API rate limit exceeded/) },
  });
  expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  const resetAt = Number(refused.headers.get("x-ratelimit-reset")) * 1_000;
  expect(resetAt - nowMs).toBeLessThanOrEqual(3_601_000);
  nowMs = resetAt;
  await renew();
  expect((await list()).status).toBe(200);
});

test("180 JIT configurations a minute, then the secondary limit says how long to wait", async () => {
  const { makeJit } = await start({});
  for (let index = 0; index < 180; index += 1) expect((await makeJit()).status).toBe(201);
  const refused = await makeJit();
  expect(refused.status).toBe(403);
  expect(refused.headers.get("retry-after")).toBe("60");
  nowMs += 60_000;
  expect((await makeJit()).status).toBe(201);
});

test("registrations per owner in five minutes are limited", async () => {
  const { makeJit } = await start({ registrationsPer5Min: 2 });
  await makeJit();
  await makeJit();
  const refused = await makeJit();
  expect(refused.status).toBe(403);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  nowMs += 300_000;
  expect((await makeJit()).status).toBe(201);
});

test("failNext answers as ordered, as often as ordered", async () => {
  const { github, list } = await start({});
  github.failNext(/^GET \/orgs\/.+\/runners$/, 503, 2, { "retry-after": "7" });
  const failed = await list();
  expect(failed.status).toBe(503);
  expect(failed.headers.get("retry-after")).toBe("7");
  expect((await list()).status).toBe(503);
  expect((await list()).status).toBe(200);
});

test("a dropped connection leaves nothing behind, a lost answer leaves the runner", async () => {
  const { github, makeJit } = await start({});
  github.failNext(/generate-jitconfig$/, "drop");
  await expect(makeJit("w")).rejects.toThrow("fetch failed");
  expect(github.runners("octo-org")).toEqual([]);
  github.failNext(/generate-jitconfig$/, "drop-after");
  await expect(makeJit("w")).rejects.toThrow("fetch failed");
  expect(github.runners("octo-org")).toMatchObject([{ name: "w", status: "offline" }]);
  expect((await makeJit("w")).status).toBe(409);
  expect(github.clientCalls.filter((call) => call.status === 0)).toHaveLength(2);
});
