import { describe, expect, it } from "vitest";
import {
  byPat,
  byToken,
  completed,
  configured,
  drain,
  ended,
  graceOver,
  listening,
  PREPARED,
  passed,
  play,
  running,
  signal,
  taken,
  types,
} from "../support/life.ts";

describe("drain", () => {
  it.each([
    { where: "preflight", events: [taken] },
    { where: "registering", events: [taken, passed] },
    { where: "configuring", events: [taken, passed, byToken] },
  ])("in $where ends at once", ({ events }) => {
    const { state, last } = play(...events, drain);
    expect(types(last)).toEqual(["abandon", "report"]);
    expect(state.report?.outcome).toBe("idle");
  });

  it("interrupts a runner that listens or starts, and kills it after its grace", () => {
    for (const events of [PREPARED, [...PREPARED, listening]]) {
      expect(play(...events, drain).last).toEqual([
        { type: "interrupt-runner" },
        { type: "arm-grace", ms: 25_000 },
      ]);
      expect(types(play(...events, drain, graceOver).last)).toEqual(["kill-runner"]);
      expect(play(...events, drain, ended()).state.report?.outcome).toBe("idle");
    }
  });

  it("is refused once the runner has a job", () => {
    const { state, last } = play(...PREPARED, listening, running, drain);
    expect(last).toEqual([{ type: "refuse-drain", reason: "surplus" }]);
    expect(state).toMatchObject({ interrupted: false, step: "running" });
  });

  it("that loses the race to an assignment reports the job", () => {
    expect(play(...PREPARED, listening, drain, running, ended()).state.report).toMatchObject({
      outcome: "ran",
      jobName: "build",
    });
  });
});

describe("a stop signal", () => {
  it("while taking ends without a report", () => {
    expect(play(signal).last).toEqual([{ type: "abandon" }, { type: "exit", code: 143 }]);
  });

  it("during a job cancels it; a second one shortens the grace", () => {
    const first = play(...PREPARED, listening, running, signal);
    expect(first.last).toEqual([{ type: "interrupt-runner" }, { type: "arm-grace", ms: 25_000 }]);
    const second = play(...PREPARED, listening, running, signal, signal);
    expect(second.last).toEqual([{ type: "arm-grace", ms: 5_000 }]);
    expect(play(...PREPARED, listening, running, signal, ended()).state).toMatchObject({
      exitCode: 143,
      report: { outcome: "cancelled", jobName: "build" },
    });
  });

  it("after the job's result changes nothing in it: the first cause wins", () => {
    const { state } = play(...PREPARED, listening, running, completed, signal, ended());
    expect(state).toMatchObject({ exitCode: 0, report: { outcome: "ran" } });
  });

  it("after a drain changes nothing in it", () => {
    const { state } = play(...PREPARED, listening, drain, signal, ended());
    expect(state.report?.outcome).toBe("idle");
  });

  it("while reporting asks for haste", () => {
    expect(play(...PREPARED, listening, running, ended(), signal).last).toEqual([
      { type: "hurry", ms: 5_000 },
    ]);
  });
});

describe("an own registration", () => {
  it("is taken back when no job used it up", () => {
    const { last } = play(taken, passed, byPat, configured, listening, drain, ended());
    expect(types(last)).toEqual(["deregister"]);
    const told = play(taken, passed, byPat, configured, listening, drain, ended(), { type: "deregistered" });
    expect(types(told.last)).toEqual(["report"]);
  });

  it("is GitHub's to remove after a job", () => {
    expect(types(play(taken, passed, byPat, configured, listening, running, ended()).last)).toEqual([
      "report",
    ]);
  });
});
