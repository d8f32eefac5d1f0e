// After the end of a program its number may be another's.
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSystemClock } from "../../../worker/clock.ts";
import { startProcess } from "../../../worker/runner/runner-process.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function start(script: string) {
  const command = { program: "/bin/sh", args: ["-c", script] };
  return startProcess({ command, cwd: "/", env: {}, onLine: () => undefined, clock: createSystemClock() });
}

it("signals nothing once its program has ended", async () => {
  const program = start("exit 3");
  expect(await program.ended).toMatchObject({ type: "exited", code: 3 });
  const signals = vi.spyOn(process, "kill");
  program.interrupt();
  await program.kill();
  expect(signals.mock.calls).toEqual([]);
});

it("kills what runs", async () => {
  const running = start("sleep 60 & sleep 60");
  await running.kill();
  expect(await running.ended).toMatchObject({ type: "exited", signal: "SIGKILL" });
});

describe("the last line of a program", () => {
  /** A wait that is over at once: the machine stood still for that long, and timers and output come together. */
  const clock = { now: () => 0, sleep: async () => undefined };
  const LAST = "Job build completed with result: Succeeded";

  async function linesAtEnd(script: string): Promise<string[]> {
    const lines: string[] = [];
    const command = { program: "/bin/bash", args: ["-c", script] };
    const program = startProcess(
      { command, cwd: "/", env: {}, onLine: (line) => lines.push(line), clock },
      async () => ({ found: 0, left: 0 }),
    );
    await program.ended;
    return [...lines];
  }

  it("comes before its end, though a process that fled holds the pipe", async () => {
    const flee = "setsid sh -c 'trap \"\" HUP; echo $$; exec sleep 20' & sleep 0.2";
    const lines = await linesAtEnd(`${flee}; printf '${LAST}'`);
    const [pid] = lines.splice(0, 1);
    process.kill(Number(pid), "SIGKILL");
    expect(lines).toEqual([LAST]);
  });

  it("comes before its end, however much there is to read", async () => {
    const lines = await linesAtEnd(`yes 'a line of a job' | head -n 400000; echo '${LAST}'`);
    expect(lines).toHaveLength(400_001);
    expect(lines.at(-1)).toBe(LAST);
  });
});

it("waits while nobody takes its lines, and loses none", async () => {
  const lines: string[] = [];
  const room = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const reader: { isFull: boolean } = { isFull: true };
  const program = startProcess({
    command: { program: "/bin/sh", args: ["-c", "yes 0123456789 | head -n 400000"] },
    cwd: "/",
    env: {},
    onLine: (line) => lines.push(line),
    whenTaken() {
      if (!reader.isFull) return undefined;
      stopped.resolve();
      return room.promise;
    },
    clock: createSystemClock(),
  });
  await stopped.promise;
  // 4.4 MB are on their way: what was read is one chunk of 64 kB, the rest the kernel holds back.
  const taken = lines.length;
  expect(taken).toBeLessThan(7_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines).toHaveLength(taken);
  reader.isFull = false;
  room.resolve();
  expect(await program.ended).toMatchObject({ type: "exited", code: 0 });
  expect(lines).toHaveLength(400_000);
});
