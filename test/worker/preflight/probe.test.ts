import { expect, it } from "vitest";
import { readConfig } from "../../../worker/config.ts";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker, workerEnvironment } from "../support/start-worker.ts";

it.each([
  { command: ["sh", "-c", "exit 0"], code: 0, outcome: "ran" },
  { command: ["sh", "-c", "echo 507033; exit 3"], code: 96, outcome: "preflight-failed" },
  { command: ["/opt/no-such-probe"], code: 81, outcome: "config-failed" },
])("PREFLIGHT_COMMAND $command: $outcome", async ({ command, code, outcome }) => {
  await using dispatcher = await startDispatcher({ registration: "jit", cards: 1 });
  const env = { NPU_DISPATCH_SIMULATED_CARDS: "0", PREFLIGHT_COMMAND: JSON.stringify(command) };
  await using worker = startWorker(dispatcher, { env });

  expect((await worker.exit).code, worker.output()).toBe(code);

  expect(dispatcher.dones[0]?.output).toMatchObject({ outcome });
  // What fails before the registration costs none.
  expect(dispatcher.registrations).toHaveLength(outcome === "ran" ? 1 : 0);
});

it.each(["python3 probe.py", "[]", '[""]', "[1]", '"sh"', '{"sh":1}'])("%s is no command", (command) => {
  const env = { ...workerEnvironment("http://d"), PREFLIGHT_COMMAND: command };
  expect(readConfig(env, "/", "own-id")).toEqual({
    ok: false,
    faults: [expect.stringContaining("PREFLIGHT_COMMAND must be a program and its arguments as JSON")],
  });
});
