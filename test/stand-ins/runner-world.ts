// A GitHub stand-in with one organization, and a folder with a runner stand-in, for tests of the runner stand-in itself.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { PlannedStep } from "../fakes/github/records.ts";
import { type GithubStandIn, startGithubStandIn } from "../fakes/github/stand-in.ts";
import { installRunnerStandIn } from "../fakes/runner/install.ts";
import { killAll, type RunnerProcess, startScript, until } from "./runner-process.ts";

export type RunnerWorld = {
  readonly github: GithubStandIn;
  readonly installationId: number | undefined;
  readonly folder: string;
  /** Of the runner, in `folder`. */
  readonly root: string;
  configure(...flags: string[]): Promise<void>;
  run(environment?: Record<string, string>, ...args: string[]): RunnerProcess;
  /** A job of one step; answers its id. */
  queue(...lines: string[]): number;
  queueSteps(...steps: PlannedStep[]): number;
  /** The job has printed `begun`. */
  began(id: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const JOB = { owner: "octo-org", repo: "widgets", labels: ["npu"], name: "test" };

export async function openRunnerWorld(): Promise<RunnerWorld> {
  const github = await startGithubStandIn({ pickupMs: 500 });
  const { installationId } = github.addOrganization("octo-org");
  const folder = await mkdtemp(join(tmpdir(), "runner-stand-in-"));
  const root = await installRunnerStandIn(join(folder, "runner"));
  const running: RunnerProcess[] = [];
  return {
    github,
    installationId,
    folder,
    root,
    async configure(...flags) {
      const where = ["--url", `${github.apiUrl}/octo-org`, "--pat", github.personalAccessToken];
      const what = ["--name", "w-1", "--labels", "npu", "--no-default-labels", ...flags];
      const script = startScript(root, "config.sh", ["--unattended", ...where, ...what]);
      expect({ ...(await script.ended), text: script.text() }).toMatchObject({ code: 0 });
    },
    run(environment = {}, ...args) {
      const script = startScript(root, "run.sh", args, environment);
      running.push(script);
      return script;
    },
    queue: (...lines) => github.queueWorkflowJob({ ...JOB, run: lines }).id,
    queueSteps: (...steps) => github.queueWorkflowJob({ ...JOB, steps }).id,
    began: (id) =>
      until(
        () => github.workflowJob(id).lines.includes("begun"),
        () => "the step did not begin",
      ),
    async [Symbol.asyncDispose]() {
      for (const each of running) killAll(each, childrenOf(each.child.pid));
      await github.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function childrenOf(pid: number | undefined): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, "utf8").split(" ").map(Number).filter(Boolean) : [];
}
