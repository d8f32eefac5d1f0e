// The main job over real processes: signed delivery, dispatcher, worker, runner stand-in, and nothing left.
import { afterEach, describe, expect, test } from "vitest";
import type { Session } from "./harness/session.ts";
import { startSession } from "./harness/session.ts";
import type { ServeOptions } from "./serve-process.ts";
import { ORG } from "./serve-process.ts";

const sessions: Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.serve.dispose();
});

describe.each(["token", "jit", "auto"] as const)("registration: %s", (registration) => {
  test("a workflow job is run and nothing is left", async () => {
    const session = await open({ registration });
    const { github } = session.serve;
    const id = session.queue(["echo card=$ASCEND_VISIBLE_DEVICES", "npu-smi info"]);
    await session.ended(id);
    expect(github.workflowJob(id)).toMatchObject({ status: "completed", conclusion: "success" });
    expect(github.workflowJob(id).lines.join("\n")).toMatch(/card=[0-7]\n[\s\S]*npu-smi/);
    await session.nothingLeft();
    // A local worker's job could read the worker: there `auto` is a just-in-time configuration.
    const call = registration === "token" ? "registration-token" : "jitconfig";
    expect(github.clientCalls.filter(({ path }) => path.endsWith(call))).toHaveLength(1);
  });
});

test("a steady job costs at most one call to GitHub: tokens are reused", async () => {
  const session = await open();
  await session.ended(session.queue(["true"]));
  await session.nothingLeft();
  const before = session.serve.github.clientCalls.length;
  await session.ended(session.queue(["true"]));
  await session.nothingLeft();
  // What looks for lost events goes on by the clock, whatever jobs there are.
  const byTheClock = /\/hook\/deliveries|\/actions\/(runs|runners)$/;
  const calls = session.serve.github.clientCalls.slice(before).map(({ path }) => path.replace(/\?.*/, ""));
  expect(calls.filter((path) => !byTheClock.test(path)).length).toBeLessThanOrEqual(1);
});

test("a failing step fails the workflow job and leaves nothing", async () => {
  const session = await open();
  const id = session.queue(["echo before", "exit 3"]);
  await session.ended(id);
  expect(session.serve.github.workflowJob(id)).toMatchObject({ conclusion: "failure" });
  expect(session.serve.github.workflowJob(id).lines).toContain("before");
  await session.nothingLeft();
});

test("a running workflow job that is cancelled at GitHub ends, and its worker with it", async () => {
  const session = await open();
  const id = session.queue(["sleep 60"]);
  await session.running(id);
  session.serve.github.cancel(id);
  await session.ended(id);
  expect(session.serve.github.workflowJob(id).conclusion).toBe("cancelled");
  await session.nothingLeft();
});

test("a queued workflow job that is cancelled before its runner listens leaves nothing", async () => {
  const session = await open({ runnerFault: "slow-config=1500" });
  const id = session.queue(["true"]);
  session.serve.github.cancel(id);
  await session.ended(id);
  await session.nothingLeft();
});

test("GitHub gives a job to another runner than its own: both run, no worker is left over", async () => {
  const session = await open({ cards: 2 });
  const ids = Array.from({ length: 6 }, () => session.queue(["sleep 0.2"]));
  for (const id of ids) await session.ended(id);
  expect(ids.map((id) => session.serve.github.workflowJob(id).conclusion)).toEqual(ids.map(() => "success"));
  await session.nothingLeft();
});

test("labels that nearly fit start nothing, and the log says what is wrong", async () => {
  const session = await open();
  session.queue(["true"], ["linux-arm64-npu-3"]);
  session.queue(["true"], ["self-hosted", "linux"]);
  await session.serve.github.deliveriesIdle();
  expect(session.serve.output()).toContain(
    "3 cards are not offered; ask for linux-arm64-npu-1, linux-arm64-npu-2",
  );
  expect(session.serve.github.runners(ORG)).toEqual([]);
});

async function open(options: ServeOptions = {}): Promise<Session> {
  const session = await startSession(options);
  sessions.push(session);
  return session;
}
