import { describe, expect, it } from "vitest";
import { isFailedStart } from "../../../shared/domain/worker-report.ts";
import type { WorkerEvent } from "../../../worker/life/worker-state.ts";
import {
  byToken,
  completed,
  configured,
  EXITED,
  ended,
  graceOver,
  hookCompleted,
  hookStarted,
  listening,
  marker,
  PREPARED,
  passed,
  play,
  refused,
  running,
  STARTED_JOB,
  taken,
  types,
} from "../support/life.ts";

describe("the straight way", () => {
  it("by token: preflight before registration, configuration before the runner", () => {
    const { state, effects } = play(
      taken,
      passed,
      byToken,
      configured,
      listening,
      running,
      completed,
      ended(),
      {
        type: "reported",
      },
    );
    expect(types(effects)).toEqual([
      ...["ping", "preflight", "ping", "register", "configure", "start-runner"],
      ...["ping", "ping", "arm-grace", "report", "exit"],
    ]);
    expect(state).toMatchObject({
      step: "ended",
      exitCode: 0,
      report: { outcome: "ran", result: "Succeeded" },
    });
  });

  it("by JIT: no configuration", () => {
    expect(types(play(...PREPARED).last)).toEqual(["start-runner"]);
  });

  it("without a job: nothing to report", () => {
    expect(play({ type: "no-job" }).effects).toEqual([{ type: "exit", code: 3 }]);
  });
});

describe.each([
  {
    name: "preflight",
    events: [taken, { type: "preflight-done", result: { ok: false, code: "E_BUSY", message: "busy" } }],
    outcome: "preflight-failed",
    code: 91,
  },
  { name: "registration", events: [taken, passed, refused], outcome: "registration-refused", code: 80 },
  { name: "settings", events: [refused], outcome: "registration-refused", code: 80 },
  {
    name: "config.sh",
    events: [taken, passed, byToken, { type: "start-failed", outcome: "config-failed", message: "x" }],
    outcome: "config-failed",
    code: 81,
  },
  { name: "run.sh before it listens", events: [...PREPARED, ended()], outcome: "runner-failed", code: 82 },
  {
    name: "exit code 7",
    events: [...PREPARED, ended({ ...EXITED, code: 7 })],
    outcome: "runner-too-old",
    code: 83,
  },
  {
    name: "exit code 7 after listening",
    events: [...PREPARED, listening, ended({ ...EXITED, code: 7 })],
    outcome: "runner-too-old",
    code: 83,
  },
  {
    name: "too old by its words",
    events: [...PREPARED, marker({ type: "too-old" }), ended()],
    outcome: "runner-too-old",
    code: 83,
  },
  {
    name: "run.sh that does not start",
    events: [...PREPARED, ended({ type: "not-started", error: new Error("ENOENT") })],
    outcome: "no-runner",
    code: 84,
  },
] as { name: string; events: WorkerEvent[]; outcome: string; code: number }[])(
  "a failed start: $name",
  ({ events, outcome, code }) => {
    it(`is reported as ${outcome} with exit code ${code}`, () => {
      const { state, last } = play(...events);
      expect(types(last)).toContain("report");
      expect(state).toMatchObject({ step: "reporting", exitCode: code, report: { outcome } });
      expect(isFailedStart(state.report?.outcome ?? "ran")).toBe(true);
    });
  },
);

describe("a runner that ends by itself", () => {
  it("after listening is idle, with GitHub's reason", () => {
    const { state } = play(...PREPARED, listening, marker({ type: "deleted" }), ended());
    expect(state.report).toMatchObject({
      outcome: "idle",
      message: expect.stringContaining("GitHub removed"),
    });
  });

  it("does not hold the cards when it hangs after its job", () => {
    const hung = play(...PREPARED, listening, running, completed, graceOver);
    expect(types(hung.last)).toEqual(["interrupt-runner", "arm-grace"]);
    const killed = play(...PREPARED, listening, running, completed, graceOver, graceOver);
    expect(types(killed.last)).toEqual(["kill-runner"]);
  });

  it("is never interrupted in its job by a timer that nothing armed", () => {
    expect(play(...PREPARED, listening, running, graceOver).last).toEqual([]);
  });
});

describe("the runner's hooks", () => {
  it("tell what runs, by a ping at once and in the report", () => {
    const { last } = play(...PREPARED, listening, running, hookStarted());
    expect(last).toEqual([
      { type: "ping", heartbeat: { phase: "running", jobName: "build", started: STARTED_JOB } },
    ]);
    const { state } = play(...PREPARED, listening, running, hookStarted(), completed, hookCompleted, ended());
    expect(state.report).toMatchObject({ outcome: "ran", ran: { ...STARTED_JOB, ranMs: 5 } });
  });

  it("say why no step ran: the report has their sentence", () => {
    const failed = marker({ type: "completed", jobName: "build", result: "Failed" });
    const refusal = hookStarted("refused by policy: no forks");
    const { state } = play(...PREPARED, listening, running, refusal, failed, ended());
    expect(state.report?.message).toBe("Ran build: result Failed. It was refused by policy: no forks.");
    expect(state.exitCode).toBe(0);
  });
});

describe("what is known of a failure", () => {
  it("goes with the report: the cards in trouble", () => {
    const result = { ok: false, code: "E_HEALTH", message: "ill", badCards: ["6"] } as const;
    const { state } = play(taken, { type: "preflight-done", result });
    expect(state.report).toMatchObject({ outcome: "preflight-failed", badCards: ["6"] });
    expect(state.exitCode).toBe(94);
  });

  it("goes with the report: the runner's last error, where it never listened", () => {
    const { state } = play(...PREPARED, { ...ended(), lastError: "[ERR] no space" } as WorkerEvent);
    expect(state.report?.message).toContain("Its last error: [ERR] no space");
  });

  it("goes with the report: what a job left on its cards, which is not the job's failure", () => {
    const { state } = play(...PREPARED, running, completed, {
      ...ended(),
      residue: "Cards are dirty.",
    } as WorkerEvent);
    expect(state.report).toMatchObject({ outcome: "ran" });
    expect(state.report?.message).toMatch(/ Cards are dirty\.$/);
    expect(state.exitCode).toBe(0);
  });
});
