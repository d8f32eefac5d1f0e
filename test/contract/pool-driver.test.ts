// Runs the pool driver contract against the local pool (real processes) and the fake (memory).
import { createFakePool, type FakePool } from "../fakes/fake-pool.ts";
import { openLocalPool, SECRETS } from "./local-pool-under-test.ts";
import { describePoolDriver, type PoolUnderTest, RESULT } from "./pool-driver-contract.ts";

describePoolDriver("local", openLocalPool);
describePoolDriver("fake", openFakePool);

async function openFakePool(): Promise<PoolUnderTest> {
  let now = 0;
  const driver = createFakePool({
    cards: 8,
    // Each look takes a moment.
    clock: { now: () => ++now },
    onStart: ({ workerId, command }, pool) => {
      if (command?.[0] === "print-and-end") printAndEnd(pool, workerId);
      else pool.print(workerId, "ready");
      if (command?.[0] === "ignore-term") pool.ignoreTerm(workerId);
    },
  });
  return {
    driver,
    secrets: SECRETS,
    command: (part) => [part],
    reopen: () => driver,
    living: async (workerId) => driver.running().filter((id) => id === workerId).length,
    environment: async (workerId) => {
      const env = driver.started.find((spec) => spec.workerId === workerId)?.env ?? {};
      return Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .join("\0");
    },
    ready: async () => undefined,
    exhaustMemory: async (workerId) =>
      driver.crash(workerId, "was killed for lack of memory (OOMKilled): raise its limit"),
    close: async () => undefined,
  };
}

function printAndEnd(pool: FakePool, workerId: Parameters<FakePool["exit"]>[0]): void {
  for (let line = 1; line <= 100; line++) pool.print(workerId, `line ${line}`);
  pool.exit(workerId, 3, RESULT);
}
