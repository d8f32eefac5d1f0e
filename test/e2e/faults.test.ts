// What can go wrong with runner, registration and GitHub: each ends in a state with a reason, or is tried again within
// bounds.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: Biome does not know this module of Node 24
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import type { Job } from "../../shared/domain/job/job.ts";
import type { Session } from "./harness/session.ts";
import { startSession } from "./harness/session.ts";
import type { ServeOptions } from "./serve-process.ts";
import { ORG } from "./serve-process.ts";
import { until } from "./until.ts";

const sessions: Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.serve.dispose();
});

describe("a runner that cannot serve: the job is held with the reason, and nothing is left", () => {
  test.each([
    ["config-fails", /"reason":"config-failed"/],
    ["exits-at-once", /"reason":"runner-failed"/],
    ["too-old", /"reason":"runner-too-old".*version/],
  ])("%s", async (fault, expected) => {
    const session = await open({ runnerFault: fault });
    session.queue(["true"]);
    const { hold } = await heldJob(session);
    expect(session.serve.output()).toMatch(expected);
    expect(hold?.message).toMatch(/\w+ .*\./);
    expect(["start-backoff", "start-failed"]).toContain(hold?.reason);
  });

  test("the runner was taken away after the start", async () => {
    const home = await mkdtemp(join(tmpdir(), "npu-dispatch-runner-"));
    await writeFile(join(home, "run.sh"), "");
    const session = await open({ env: { RUNNER_HOME: home } });
    await rm(home, { recursive: true });
    session.queue(["true"]);
    const { hold } = await heldJob(session);
    expect(hold?.reason).toBe("start-failed");
    expect(hold?.message).toContain(home);
  });
});

describe("GitHub refuses the registration", () => {
  test.each([
    [401, "registration-refused"],
    [403, "registration-refused"],
    [404, "registration-refused"],
    [422, "registration-refused"],
  ] as const)("%d: the job is held and says what to do", async (status, reason) => {
    const session = await open();
    session.serve.github.failNext(/registration-token/, status, 20);
    session.queue(["true"]);
    const { hold } = await heldJob(session);
    expect(hold?.reason).toBe(reason);
    expect(hold?.message).toContain(ORG);
  });

  test("an installation that is suspended", async () => {
    const session = await open();
    session.serve.github.failNext(/access_tokens/, 403, 20, {});
    session.queue(["true"]);
    expect((await heldJob(session)).hold?.reason).toBe("registration-refused");
  });

  test.each([500, 502, 429, "drop"] as const)("%s: tried again, and the job runs", async (fault) => {
    const session = await open();
    session.serve.github.failNext(
      /registration-token/,
      fault,
      2,
      fault === 429 ? { "retry-after": "1" } : {},
    );
    const id = session.queue(["true"]);
    await session.ended(id);
    expect(session.serve.github.workflowJob(id).conclusion).toBe("success");
    await session.nothingLeft();
  });

  test("409 for a just-in-time configuration whose first answer was lost: the stale runner is replaced", async () => {
    const session = await open({ registration: "jit" });
    session.serve.github.failNext(/generate-jitconfig/, "drop-after", 1);
    const id = session.queue(["true"]);
    await session.ended(id);
    expect(session.serve.github.workflowJob(id).conclusion).toBe("success");
    await session.nothingLeft();
  });
});

test("a suspended tenant's jobs wait, and run once it is back", async () => {
  const session = await open();
  const { github } = session.serve;
  github.installationEvent("suspend", ORG);
  await github.deliveriesIdle();
  github.installationEvent("unsuspend", ORG);
  await github.deliveriesIdle();
  const id = session.queue(["true"]);
  await session.ended(id);
  await session.nothingLeft();
});

async function open(options: ServeOptions = {}): Promise<Session> {
  const session = await startSession(options);
  sessions.push(session);
  return session;
}

/** The job as the table has it after the server has closed: its lock would keep a second reader out. */
async function heldJob(session: Session): Promise<Job> {
  await until("a worker to be released", () => session.serve.output().includes('"event":"worker-released"'), {
    detail: () => session.serve.output(),
  });
  // Held between two tries: what the last one used is gone.
  const folder = join(session.serve.dataDir, "pools", "local", "workers");
  await until("worker folders to go", async () => (await readdir(folder)).length === 0);
  await session.serve.close();
  const database = new DatabaseSync(join(session.serve.dataDir, "dispatch.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT data FROM rows WHERE kind = 'job'").all() as { data: string }[];
    return JSON.parse(rows[0]?.data ?? "{}") as Job;
  } finally {
    database.close();
  }
}
