// Calls to GitHub within its limits: who is held back first, what is never sent, and that nothing else slows a start.
import { fetch as undiciFetch } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import type { GithubAdapter } from "../../../shared/adapters/github/github.ts";
import { createSlots } from "../../../shared/adapters/github/governed-slots.ts";
import { GithubError } from "../../../shared/ports/github.ts";
import type { GithubStandInOptions } from "../../fakes/github/stand-in.ts";
import { type Governed, ORG, startGoverned } from "./governed-bench.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let bench: Governed;
afterEach(() => bench.stop());
async function start(options?: GithubStandInOptions): Promise<Governed> {
  bench = await startGoverned(options);
  return bench;
}

let names = 0;
const runner = () => ({ name: `npud-t3st00-${++names}`, labels: ["npu"], runnerGroup: undefined });
const jit = (github: GithubAdapter) => github.jitConfig(bench.caller, ORG, runner());
const check = (github: GithubAdapter) => github.findRunner(bench.caller, ORG, "nobody");
const cleanUp = (github: GithubAdapter) => github.deleteRunner(bench.caller, ORG, 1);

async function refusalOf(call: Promise<unknown>): Promise<GithubError> {
  const outcome = await call.then(
    () => new Error("the call was made"),
    (error: unknown) => error,
  );
  if (outcome instanceof GithubError) return outcome;
  throw outcome;
}

describe("a budget of 100 calls", () => {
  test("clean-up stops at 30, checks at 10, starts at 1, and all go on after the reset", async () => {
    const { standIn, clock, installationId } = await start({ callsPerHour: 100 });
    const github = bench.process();
    for (let n = 0; n < 70; n++) await check(github);
    const before = standIn.clientCalls.length;
    expect(await refusalOf(cleanUp(github))).toMatchObject({
      fault: "rate-limited",
      status: undefined,
      retryAfterMs: HOUR_MS,
      message: expect.stringMatching(
        /^GitHub was not asked to delete runner 1 for organization octo-org: only 30 of 100 calls are left until the reset for installation \d+, kept for what is more urgent than clean-up calls\. Try again in 3600 s\.$/,
      ),
    });
    expect(standIn.clientCalls).toHaveLength(before);
    for (let n = 0; n < 20; n++) await check(github);
    expect((await refusalOf(check(github))).message).toContain("only 10 of 100 calls are left");
    for (let n = 0; n < 9; n++) await jit(github);
    expect((await refusalOf(jit(github))).message).toContain("only 1 of 100 calls are left");
    expect(standIn.clientCalls.every((call) => call.status < 400)).toBe(true);
    expect(github.states()).toEqual([
      {
        installation: installationId,
        rate: { limit: 100, remaining: 1, resetAt: clock.now() + HOUR_MS },
        blockedUntil: undefined,
        spent: { start: 9, check: 90, "clean-up": 0 },
      },
    ]);
    clock.advance(HOUR_MS);
    expect(await cleanUp(github)).toBe("deleted");
  });

  test("is one for all processes: the next answer tells what the others have spent", async () => {
    await start({ callsPerHour: 100 });
    const [one, other] = [bench.process(), bench.process()];
    for (let n = 0; n < 89; n++) await check(one);
    await check(other);
    expect((await refusalOf(check(other))).fault).toBe("rate-limited");
    await jit(other);
  });

  test("a class that is held back says so once a minute, not once a call", async () => {
    const { log, clock } = await start({ callsPerHour: 10 });
    const github = bench.process();
    for (let n = 0; n < 7; n++) await check(github);
    for (let n = 0; n < 5; n++) await refusalOf(cleanUp(github));
    expect(log.of("github-call-held-back")).toMatchObject([{ level: "warn", reason: "clean-up calls" }]);
    clock.advance(MINUTE_MS);
    await refusalOf(cleanUp(github));
    expect(log.of("github-call-held-back")).toMatchObject([{}, { count: 4 }]);
  });

  test("what a cache answers is neither held back nor counted", async () => {
    await start({ callsPerHour: 10 });
    const github = bench.process();
    const first = await github.registrationToken(bench.caller, ORG);
    while ((await jit(github).catch(() => undefined)) !== undefined);
    expect(await github.registrationToken(bench.caller, ORG)).toEqual(first);
    expect(github.states()[0]?.spent.start).toBe(10);
  });

  test("the App's own calls and a person's have budgets of their own", async () => {
    const { standIn } = await start({ callsPerHour: 10 });
    const github = bench.process();
    for (let n = 0; n < 9; n++) await check(github);
    await refusalOf(check(github));
    await github.deliveries();
    expect(github.states().map((state) => state.installation)).toEqual([bench.installationId, "app"]);
    const person = { ...bench.caller, token: standIn.personalAccessToken };
    for (let n = 0; n < 10; n++) await github.findRunner(person, ORG, "nobody");
    expect(github.states()).toHaveLength(2);
  });
});

describe("a minute's limit of writes", () => {
  test("180 just-in-time runners, then the others are told to wait, and GitHub refuses none", async () => {
    const { standIn, clock } = await start();
    const github = bench.process();
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => jit(github)));
    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused).toHaveLength(20);
    const [first] = refused;
    expect(first?.reason).toMatchObject({ fault: "rate-limited", retryAfterMs: expect.any(Number) });
    expect(first?.reason.message).toContain("GitHub takes 180 such calls a minute");
    clock.advance(first?.reason.retryAfterMs);
    await Promise.all(refused.map(() => jit(github)));
    expect(standIn.clientCalls.every((call) => call.status < 400)).toBe(true);
    expect(standIn.runners(ORG.org)).toHaveLength(200);
  });

  test("spent by several processes: GitHub's refusal stops all classes of that one until its time", async () => {
    const { standIn, clock } = await start();
    const [one, other] = [bench.process(), bench.process()];
    await Promise.all(Array.from({ length: 175 }, () => jit(one)));
    for (let n = 0; n < 5; n++) await jit(other);
    expect(await refusalOf(jit(other))).toMatchObject({ fault: "rate-limited", status: 403 });
    const before = standIn.clientCalls.length;
    for (const call of [jit, check, cleanUp]) {
      expect((await refusalOf(call(other))).retryAfterMs).toBeLessThanOrEqual(MINUTE_MS);
    }
    expect(standIn.clientCalls).toHaveLength(before);
    expect(other.states()[0]?.blockedUntil).toBe(clock.now() + MINUTE_MS);
    clock.advance(MINUTE_MS);
    await jit(other);
    expect(other.states()[0]?.blockedUntil).toBeUndefined();
  });
});

describe("writes at once", () => {
  test("no more than so many, and no pause between them", async () => {
    await start();
    let [writes, most] = [0, 0];
    const github = bench.process({
      writesAtOnce: 3,
      fetch: async (url, init) => {
        const isWrite = init.method === "POST" && url.includes("/orgs/");
        writes += Number(isWrite);
        most = Math.max(most, writes);
        try {
          return await undiciFetch(url, init);
        } finally {
          writes -= Number(isWrite);
        }
      },
    });
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 30 }, () => jit(github)));
    expect(most).toBe(3);
    // A limiter of one write a second, as in Octokit's plugin, would take 29 s.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test("who starts goes before who cleans up; each key has its own slots; a failure frees its slot", async () => {
    await start();
    const slots = createSlots(1);
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const note = (name: string) => async () => void order.push(name);
    const all = [
      slots.run("a", 0, async () => {
        await gate.promise;
        throw new Error("failed");
      }),
      slots.run("a", 2, note("clean-up 1")),
      slots.run("a", 2, note("clean-up 2")),
      slots.run("a", 0, note("start 1")),
      slots.run("a", 1, note("check")),
      slots.run("a", 0, note("start 2")),
      slots.run("b", 2, note("other key")),
    ];
    await all.at(-1);
    expect(order).toEqual(["other key"]);
    gate.resolve();
    expect((await Promise.allSettled(all)).map((one) => one.status)).toEqual([
      "rejected",
      ...Array(6).fill("fulfilled"),
    ]);
    expect(order).toEqual(["other key", "start 1", "start 2", "check", "clean-up 1", "clean-up 2"]);
  });
});
