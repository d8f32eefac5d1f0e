// How a job's runner ends, over real processes and signals: refused by policy, killed, stopped.
import { chmod, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: Biome does not know this module of Node 24
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test } from "vitest";
import type { Job } from "../../shared/domain/job/job.ts";
import { WITHOUT_USERS } from "../worker/support/without-users.ts";
import { type Session, startSession } from "./harness/session.ts";
import { ORG, type ServeOptions } from "./serve-process.ts";
import { until } from "./until.ts";

let session: Session | undefined;
afterEach(async () => {
  await session?.serve.dispose();
  session = undefined;
});

async function open(options: ServeOptions = {}): Promise<Session> {
  session = await startSession(options);
  return session;
}

const FORK = { pull_request: { head: { repo: { id: 6_666, full_name: "eve/repo" } } } };
const TARGET = { owner: ORG, repo: "repo", labels: ["linux-arm64-npu-1"] };

test.each(["token", "jit"] as const)(
  "a pull request from a fork, by %s: what insists on running always does not run",
  async (registration) => {
    const { serve, ended, nothingLeft } = await open({ registration });
    const touch = `echo ran >> ${join(serve.dir, "stepped")}`;
    const { id } = serve.github.queueWorkflowJob({
      ...TARGET,
      event: "pull_request",
      payload: FORK,
      steps: [
        { name: "plain", run: touch },
        { name: "action", run: touch, if: "always()", pre: touch, post: touch },
      ],
    });
    await ended(id);

    const job = serve.github.workflowJob(id);
    expect(job).toMatchObject({
      conclusion: "failure",
      stepsRun: ["Set up job", "Set up runner", "Complete job"],
    });
    expect(job.lines.join("\n")).toContain("this is a pull request from a fork of e2e-org/repo (eve/repo)");
    await expect(readFile(join(serve.dir, "stepped"))).rejects.toThrow("ENOENT");
    await nothingLeft();
    const { end } = await jobOf(session!);
    expect(end).toMatchObject({ reason: "workflow-job-failed" });
  },
);

test("a listener that is killed in a job: the runner died, and GitHub's failure is not the user's", async () => {
  const { serve, queue, ended, nothingLeft } = await open({ github: { lostMs: 1_500 } });
  const id = queue(['echo "listener $(cut -d" " -f4 /proc/$PPID/stat)"', "sleep 600"]);
  const listener = await until(
    "the step to begin",
    () => /^listener (\d+)$/m.exec(serve.github.workflowJob(id).lines.join("\n"))?.[1],
  );
  process.kill(Number(listener), "SIGKILL");
  await until("the report", () => serve.output().includes('"reason":"runner-died"'), {
    detail: () => serve.output(),
  });
  expect(serve.github.runners(ORG)).toMatchObject([{ busy: true }]);
  await ended(id);
  await nothingLeft();
  // Its registration is looked at again in a minute.
  const { end } = await jobOf(session!, '"state":"FAILED"');
  expect(end?.reason).toBe("runner-died");
  expect(end?.message).toMatch(
    /^GitHub: failure on .*; by its worker: The runner died while it ran build: Exiting with unknown error code: 137/,
  );
});

test("a worker that is told to end in a job: GitHub says failure, and the job's end says who it was", async () => {
  const { serve, queue, ended, nothingLeft } = await open();
  const id = queue(["echo begun", "sleep 600"]);
  await until("the step to begin", () => serve.github.workflowJob(id).lines.includes("begun"));
  const workers = join(serve.dataDir, "pools", "local", "workers");
  const [name = ""] = await readdir(workers);
  const record = JSON.parse(await readFile(join(workers, name, "worker.json"), "utf8"));
  process.kill(record.process.pid, "SIGTERM");
  await ended(id);
  expect(serve.github.workflowJob(id).conclusion).toBe("failure");
  await nothingLeft();
  const { state, end } = await jobOf(session!);
  expect({ state, reason: end?.reason }).toEqual({ state: "FAILED", reason: "worker-stopped" });
  expect(end?.message).toContain("by its worker: The worker was stopped while it ran build");
});

test("root with RUNNER_USER: the job runs as that user, who cannot enter the data folder, and nothing is left", async ({
  skip,
}) => {
  if (WITHOUT_USERS) skip(WITHOUT_USERS);
  const outer = await mkdtemp(join(tmpdir(), "npd-runners-"));
  await chmod(outer, 0o755);
  const runners = join(outer, "made");
  try {
    const { serve, queue, ended, nothingLeft } = await open({
      workerEnv: { RUNNER_USER: "12345:12346" },
      env: { DISPATCH_RUNNERS: runners },
    });
    const id = queue(["id -u", `ls ${serve.dataDir} || echo closed`, "pwd"]);
    await ended(id);
    const { conclusion, lines } = serve.github.workflowJob(id);
    expect(conclusion).toBe("success");
    expect(lines).toEqual(expect.arrayContaining(["12345", "closed"]));
    expect(lines.join("\n")).toContain(`\n${join(runners, "local")}/`);
    await nothingLeft();
    await until(
      "the runner's folder to go",
      async () => (await readdir(join(runners, "local"))).length === 0,
    );
    expect((await stat(runners)).mode & 0o777).toBe(0o755);
  } finally {
    await rm(outer, { recursive: true, force: true });
  }
});

/** As the table has it after the server has closed: its lock would keep a second reader out. */
async function jobOf({ serve }: Session, logged = '"event":"worker-released"'): Promise<Job> {
  await until(logged, () => serve.output().includes(logged), { detail: () => serve.output() });
  await serve.close();
  const database = new DatabaseSync(join(serve.dataDir, "dispatch.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT data FROM rows WHERE kind = 'job'").all() as { data: string }[];
    return JSON.parse(rows[0]?.data ?? "{}") as Job;
  } finally {
    database.close();
  }
}
