// The log: allowed fields only, errors with their causes, floods counted, and it never throws.
import { describe, expect, test } from "vitest";
import { createJsonLog, type JsonLogDeps } from "../../../shared/adapters/log/json-log.ts";
import { rateLimited } from "../../../shared/adapters/log/rate-limited.ts";
import { GithubError } from "../../../shared/ports/github.ts";
import type { LogFields } from "../../../shared/ports/log.ts";

const clock = { now: () => Date.UTC(2026, 10, 21) };

function memoryLog(deps: Partial<JsonLogDeps> = {}) {
  const lines: { readonly event?: string; readonly message?: string; readonly error?: unknown }[] = [];
  const write = (line: string) => {
    expect(line).not.toContain("\n");
    lines.push(JSON.parse(line));
  };
  return { log: createJsonLog({ write, clock, ...deps }), lines };
}

describe("lines", () => {
  test("time, level, event, then the fields", () => {
    const { log, lines } = memoryLog();
    log.info("worker-started", { worker: "npud-a-1", cards: 2, labels: ["a", "b"], reason: undefined });
    expect(lines).toEqual([
      {
        at: "2026-11-21T00:00:00.000Z",
        level: "info",
        event: "worker-started",
        worker: "npud-a-1",
        labels: ["a", "b"],
        cards: 2,
      },
    ]);
  });

  test("fields outside the allow-list, and values of another type, are not written", () => {
    const { log, lines } = memoryLog();
    const smuggled = { job: "gh-1", token: "x", message: { secret: 1 }, status: "200", labels: "a" };
    log.warn("e", smuggled as unknown as LogFields);
    expect(Object.keys(lines[0] ?? {})).toEqual(["at", "level", "event", "job"]);
  });

  test("lines below the level are dropped", () => {
    const { log, lines } = memoryLog({ level: "warn" });
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(lines.map(({ event }) => event)).toEqual(["c", "d"]);
  });

  test("line breaks stay inside the line, long texts are cut", () => {
    const { log, lines } = memoryLog();
    log.info("e", { message: `a\nb${"x".repeat(10_000)}` });
    expect(lines[0]?.message).toMatch(/^a\nbx{3997}… \(10003 characters\)$/);
  });
});

describe("errors", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const error = new GithubError("GitHub said no", { fault: "forbidden", status: 403, cause: refused });

  test("name, message, code and causes; no stack", () => {
    const { log, lines } = memoryLog();
    log.error("e", { error });
    expect(lines[0]?.error).toEqual({
      name: "GithubError",
      message: "GitHub said no",
      code: 403,
      cause: { name: "Error", message: "connect ECONNREFUSED", code: "ECONNREFUSED" },
    });
  });

  test("the stack at debug", () => {
    const { log, lines } = memoryLog({ level: "debug" });
    log.error("e", { error });
    expect(lines[0]).toMatchObject({ error: { stack: expect.stringContaining("log.test.ts") } });
  });

  test("several errors, a circle of causes, something thrown that is no error", () => {
    const { log, lines } = memoryLog();
    const circle = new Error("round");
    circle.cause = circle;
    log.error("a", { error: new AggregateError([refused, "text"], "two") });
    log.error("b", { error: circle });
    log.error("c", { error: { token: "leak" } });
    expect(lines[0]).toMatchObject({ error: { errors: [{ code: "ECONNREFUSED" }, { message: "text" }] } });
    expect(JSON.stringify(lines[1]).match(/round/g)).toHaveLength(5);
    expect(JSON.stringify(lines[2])).not.toContain("leak");
  });
});

describe("it never throws", () => {
  test("hostile fields become a line that says so", () => {
    const { log, lines } = memoryLog();
    const hostile = {
      get job(): string {
        throw new RangeError("no");
      },
    };
    log.info("worker-started", hostile);
    expect(lines).toEqual([
      { level: "error", event: "log-failed", message: "worker-started", reason: "RangeError" },
    ]);
  });

  test("a broken clock, a broken writer, a broken list of secrets", () => {
    const broken = () => {
      throw new Error("EPIPE");
    };
    memoryLog({ clock: { now: () => Number.NaN } }).log.info("e");
    createJsonLog({ write: broken, clock }).info("e");
    const { log, lines } = memoryLog({ secrets: broken });
    log.info("e");
    expect(lines[0]).toMatchObject({ event: "log-failed" });
  });
});

describe("secrets", () => {
  test("registered ones are masked in every text, also those that come later", () => {
    const secrets: string[] = [];
    const { log, lines } = memoryLog({ secrets: () => secrets });
    secrets.push("correct-horse-battery");
    log.error("e", {
      message: "x correct-horse-battery y",
      url: "https://h/?k=correct-horse-battery",
      labels: ["correct-horse-battery"],
      error: new Error("correct-horse-battery", { cause: "correct-horse-battery" }),
    });
    expect(JSON.stringify(lines)).not.toContain("correct-horse-battery");
    expect(lines[0]?.message).toBe("x *** y");
  });
});

describe("secrets that change", () => {
  test("the ones of now count for each line: replaced, added, taken away", () => {
    let secrets: string[] = [];
    const { log, lines } = memoryLog({ secrets: () => secrets });
    const message = "first-secret second-secret";
    for (const now of [["first-secret"], ["second-secret"], ["first-secret", "second-secret"], []]) {
      secrets = now;
      log.info("e", { message });
    }
    expect(lines.map((line) => line.message)).toEqual([
      "*** second-secret",
      "first-secret ***",
      "*** ***",
      "first-secret second-secret",
    ]);
  });
});

describe("floods", () => {
  test("one line per reason and minute, the next one says how many were held back", () => {
    let now = 0;
    const { log, lines } = memoryLog();
    const limited = rateLimited(log, { clock: { now: () => now } });
    for (let turn = 0; turn < 100; turn++) limited.warn("delivery-rejected", { reason: "signature" });
    limited.warn("delivery-rejected", { reason: "too large" });
    limited.error("delivery-rejected", { reason: "signature" });
    expect(lines).toHaveLength(3);
    now = 60_000;
    limited.warn("delivery-rejected", { reason: "signature" });
    limited.warn("delivery-rejected", { reason: "too large" });
    expect(lines[3]).toMatchObject({ reason: "signature", count: 99 });
    expect(lines[4]).not.toHaveProperty("count");
  });

  test("reasons that never repeat do not fill the memory", () => {
    const { log, lines } = memoryLog();
    const limited = rateLimited(log, { clock });
    for (let turn = 0; turn < 1_001; turn++) limited.warn("e", { reason: `${turn}` });
    limited.warn("e", { reason: "1000" });
    expect(lines).toHaveLength(1_001);
    limited.warn("e", { reason: "0" });
    expect(lines).toHaveLength(1_002);
  });
});
