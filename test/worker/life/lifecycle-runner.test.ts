// A runner that does not end as it should: it dies, or does not obey when its job is refused.
import { describe, expect, it } from "vitest";
import type { WorkerEvent } from "../../../worker/life/worker-state.ts";
import type { ProcessEnd } from "../../../worker/runner/runner-process.ts";
import {
  completed,
  drain,
  EXITED,
  ended,
  graceOver,
  hookCompleted,
  hookStarted,
  listening,
  marker,
  PREPARED,
  play,
  running,
  types,
} from "../support/life.ts";

describe("a runner that ends by itself", () => {
  // run-helper.sh ends with 0 whatever became of the listener: seen with `kill -9`, in its source for 1 and 5.
  it.each([
    ["killed", 0, "Exiting with unknown error code: 137", "Exiting with unknown error code: 137"],
    [
      "of its own error",
      0,
      "Runner listener exit with terminated error, stop the service, no retry needed.",
      "terminated error",
    ],
    [
      "of a session conflict",
      0,
      "Runner listener exit with Session Conflict error, stop the service, no retry needed.",
      "Conflict",
    ],
    [
      "with a good word and no result",
      0,
      "Runner listener exit with 0 return code, stop the service, no retry needed.",
      "0 return code",
    ],
    ["run.sh itself was killed", undefined, undefined, "killed by SIGKILL"],
  ])("during its job, %s, has died: GitHub has not been told", (_how, code, line, words) => {
    const said = line === undefined ? [] : [marker({ type: "listener-ended", line })];
    const signal = code === undefined ? "SIGKILL" : undefined;
    const { state, last } = play(
      ...PREPARED,
      listening,
      running,
      ...said,
      ended({ ...EXITED, code, signal }),
    );
    expect(state.report).toMatchObject({
      outcome: "runner-died",
      jobName: "build",
      message: expect.stringMatching(
        new RegExp(`^The runner died while it ran build: (.*)${words}(.*[^.])?\\.$`),
      ),
    });
    expect(state.exitCode).toBe(85);
    expect(types(last)).toContain("report");
  });

  it("of another runner, whose lines have other words: its hooks say that it has a job, and no drain takes that", () => {
    for (const before of [[], [listening]]) {
      const { state, last } = play(...PREPARED, ...before, hookStarted());
      expect(state).toMatchObject({ step: "running", jobName: "build" });
      expect(last).toMatchObject([{ type: "ping", heartbeat: { phase: "running", jobName: "build" } }]);
      expect(types(play(...PREPARED, ...before, hookStarted(), drain).last)).toEqual(["refuse-drain"]);
      const { report } = play(...PREPARED, ...before, hookStarted(), hookCompleted, ended()).state;
      expect(report).toMatchObject({ outcome: "ran", jobName: "build", ran: { ranMs: 5 } });
      expect(play(...PREPARED, ...before, hookStarted(), ended()).state.report?.outcome).toBe("runner-died");
    }
  });

  it("before it listened: what it printed last, for the log goes with its container", () => {
    const exited: WorkerEvent = {
      type: "runner-ended",
      end: { ...EXITED, code: 1 },
      lastLines: ["Must not", "Why"],
    };
    expect(play(...PREPARED, exited).state.report?.message).toBe(
      "The runner ended before it listened: exit code 1. It printed: Must not / Why",
    );
    expect(play(...PREPARED, ended()).state.report?.message).toMatch(/exit code 0\. It printed nothing\.$/);
  });

  it("during its job, with other words for its result: the last hook says that it came to its end", () => {
    const { state } = play(...PREPARED, listening, running, hookStarted(), hookCompleted, ended());
    expect(state.report).toMatchObject({
      outcome: "ran",
      message: "Ran build: exit code 0, without a result.",
    });
  });

  it.each([
    ["Exiting with unknown error code: 137", "runner-died"],
    ["Runner listener exit with terminated error, stop the service, no retry needed.", "runner-died"],
    ["Runner listener exit with 0 return code, stop the service, no retry needed.", "idle"],
  ])("while it listened: %s", (line, outcome) => {
    const { state } = play(...PREPARED, listening, marker({ type: "listener-ended", line }), ended());
    expect(state.report).toMatchObject({ outcome, jobName: undefined });
    if (outcome === "runner-died") expect(state.report?.message).toContain(line.replace(/\.$/, ""));
  });
});

describe("a job that its hook refuses", () => {
  const refusal = hookStarted("refused by policy: no forks");
  const refusedJob = [...PREPARED, listening, running, refusal];

  it("gives the runner a limit to end it; a runner that obeys is not touched", () => {
    expect(types(play(...refusedJob).last)).toEqual(["ping", "arm-grace"]);
    const failed = marker({ type: "completed", jobName: "build", result: "Failed" });
    expect(types(play(...refusedJob, failed, graceOver).last)).toEqual(["interrupt-runner", "arm-grace"]);
  });

  it("ends the runner that does not obey at once: an interrupt would only end the hook, which is in its way", () => {
    const { state, last } = play(...refusedJob, graceOver);
    expect(types(last)).toEqual(["kill-runner"]);
    const killed = ended({ ...EXITED, code: undefined, signal: "SIGKILL" });
    const { report } = play(...refusedJob, graceOver, killed).state;
    expect(state.step).toBe("running");
    expect(report).toMatchObject({
      outcome: "runner-died",
      message:
        "The runner did not end build when it was refused, and was killed: killed by SIGKILL. It was refused by policy: no forks.",
    });
  });
});

describe("a job that has a result has passed the runner's hands, whatever else is known of it", () => {
  const died: Extract<ProcessEnd, { type: "exited" }> = { ...EXITED, code: undefined, signal: "SIGKILL" };
  const fault: WorkerEvent = { type: "start-failed", outcome: "runner-failed", message: "EMFILE" };

  it.each<[string, readonly WorkerEvent[]]>([
    ["its first line was lost", [listening, completed, ended(died)]],
    ["none of its lines but that was read", [completed, ended(died)]],
    ["what comes after the runner's end failed", [listening, running, completed, fault]],
  ])("%s", (_what, events) => {
    const { state, last } = play(...PREPARED, ...events);
    expect(state.report).toMatchObject({ outcome: "ran", jobName: "build", result: "Succeeded" });
    expect(state.exitCode).toBe(0);
    expect(types(last)).toContain("report");
  });

  it("and one that has none is reported, too, when what comes after the runner's end failed", () => {
    const { state } = play(...PREPARED, listening, running, fault);
    expect(state.report).toMatchObject({ outcome: "runner-failed", message: "EMFILE", jobName: "build" });
  });
});
