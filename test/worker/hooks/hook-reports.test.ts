// Reports of the runner's hooks, from a folder in which a hostile job may write what it likes.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSystemClock } from "../../../worker/clock.ts";
import { createHookReports, type HookNews } from "../../../worker/hooks/hook-reports.ts";
import { eventually } from "../support/eventually.ts";
import { createKeptLog } from "../support/kept-log.ts";

const STARTED = {
  repository: "acme/kernels",
  repositoryId: 81,
  runId: 7_001,
  runAttempt: 1,
  job: "build",
  workflowRef: "acme/kernels/.github/workflows/ci.yml@refs/heads/main",
  event: "push",
};

let folder: string;
let news: HookNews[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "npd-reports-"));
  news = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start() {
  const log = createKeptLog();
  const onNews = (one: HookNews) => void news.push(one);
  return { log, reports: createHookReports({ folder, clock: createSystemClock(), log, onNews }) };
}

const put = (stage: "started" | "completed", content: object) =>
  writeFileSync(join(folder, `${stage}.json`), JSON.stringify({ ...STARTED, runner: "w-1", ...content }));

it("takes the first report at once, and the last one at the end", async () => {
  const { reports } = start();
  reports.expect();
  put("started", { at: 1_000, refusal: "refused by policy: no" });
  await eventually("the report is taken", () => !existsSync(join(folder, "started.json")));
  put("started", { at: 5_000, runId: 666 });
  put("completed", { at: 3_500, runId: 666 });
  await reports.end();
  expect(news).toEqual([
    { type: "started", started: STARTED, refusal: "refused by policy: no" },
    { type: "completed", ran: { ...STARTED, ranMs: 2_500 } },
  ]);
});

it("reads a report that came with the runner's end, and nothing where no hook ran", async () => {
  put("started", { at: 1_000 });
  await start().reports.end();
  expect(news).toMatchObject([{ type: "started", refusal: undefined }]);
  news = [];
  put("completed", { at: 1_000 });
  await start().reports.end();
  expect(news).toEqual([]);
});

it.each([
  ["a text", "echo hello > started.json"],
  ["too long", "head -c 50000 /dev/zero > started.json"],
  ["a pipe that nobody writes to", "mkfifo started.json"],
  ["a link to a file of the worker's", "ln -s /proc/self/environ started.json"],
  ["a folder", "mkdir -p started.json/x"],
  ["of the wrong shape", `echo '{"repository":"a/b/c","repositoryId":-1}' > started.json`],
  ["too long in one text", `printf '{"job":"%1000s"}' x > started.json`],
])("leaves aside what is %s, once and for all", async (_what, command) => {
  execFileSync("bash", ["-c", command], { cwd: folder });
  const { log, reports } = start();
  reports.expect();
  await eventually("it was looked at", () => log.events.length > 0);
  rmSync(join(folder, "started.json"), { recursive: true, force: true });
  put("started", { at: 1_000 });
  await reports.end();
  expect(news).toEqual([]);
  expect(log.events.map(({ event }) => event)).toEqual(["hook-report-unreadable"]);
});
