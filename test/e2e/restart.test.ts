// The dispatcher ends in the middle of a job, in every way a process can; the job still ends right.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Session } from "./harness/session.ts";
import { startSession } from "./harness/session.ts";
import { until } from "./until.ts";

let session: Session | undefined;

afterEach(async () => {
  await session?.serve.dispose();
  session = undefined;
});

test("SIGTERM ends the server and leaves its running job alone; the next server finds it", async () => {
  session = await startSession();
  const { serve } = session;
  const id = session.queue(["sleep 2", "echo survived"]);
  await session.running(id);
  expect(await serve.close()).toBe(0);
  await serve.start();
  await session.ended(id);
  expect(serve.github.workflowJob(id)).toMatchObject({ conclusion: "success" });
  expect(serve.github.workflowJob(id).lines).toContain("survived");
  await session.nothingLeft();
});

/** Moments of the main job, in ms after the delivery; the demo's phases lie between 0 and some 700 ms. */
describe.each([5, 30, 80, 150, 300, 600])("kill -9 %d ms after the delivery", (afterMs) => {
  test("the job ends right after a restart", async () => {
    session = await startSession();
    const { serve } = session;
    const id = session.queue(["sleep 0.3", "echo done"]);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await serve.kill();
    await serve.start();
    await redeliverLost(session);
    await session.ended(id);
    expect(serve.github.workflowJob(id)).toMatchObject({ conclusion: "success" });
    await session.nothingLeft();
  });
});

test("a worker that is killed is noticed, and its job is tried again", async () => {
  session = await startSession({ runnerFault: "slow-config=800" });
  const { serve } = session;
  const id = session.queue(["echo done"]);
  const pid = await until("a worker process", () => firstWorkerPid(serve.dataDir));
  process.kill(-pid, "SIGKILL");
  await session.ended(id);
  expect(serve.github.workflowJob(id)).toMatchObject({ conclusion: "success" });
  await session.nothingLeft();
});

/** What GitHub could not deliver while nobody listened: it never tries again by itself. */
async function redeliverLost({ serve }: Session): Promise<void> {
  await serve.github.deliveriesIdle();
  const ok = new Set(
    serve.github
      .deliveries()
      .filter(({ status }) => status === "OK")
      .map(({ guid }) => guid),
  );
  for (const delivery of serve.github.deliveries()) {
    if (ok.has(delivery.guid)) continue;
    ok.add(delivery.guid);
    serve.github.deliver(delivery.event, JSON.parse(delivery.body));
  }
}

async function firstWorkerPid(dataDir: string): Promise<number | undefined> {
  const folder = join(dataDir, "pools", "local", "workers");
  for (const name of await readdir(folder).catch(() => [])) {
    const text = await readFile(join(folder, name, "worker.json"), "utf8").catch(() => "");
    const pid = text === "" ? undefined : (JSON.parse(text) as { process?: { pid: number } }).process?.pid;
    if (pid !== undefined) return pid;
  }
  return undefined;
}
