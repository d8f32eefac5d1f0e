// After the end of a program its number may be another's.
import { afterEach, expect, it, vi } from "vitest";
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
