// No secret that an engine or a container says reaches a job's status.
import { expect, test } from "vitest";
import { withPlainWords } from "../../../shared/adapters/pools/plain-words.ts";
import { createFakePool } from "../../fakes/fake-pool.ts";
import { specOf } from "../kubernetes/pool-world.ts";

const SECRET = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2ln";

test("outcomes, reasons, what it waits for and log lines are scrubbed; all else is the driver's own", async () => {
  const pool = createFakePool({ cards: 8, clock: { now: () => 0 } });
  const driver = withPlainWords(pool);
  pool.unavailable(`Bearer ${SECRET} is not a legal HTTP header value`);
  expect(await driver.start(specOf())).toMatchObject({
    type: "unavailable",
    message: "Bearer *** is not a legal HTTP header value",
  });
  pool.heal();
  const spec = specOf();
  expect(await driver.start(spec)).toEqual({ type: "started" });
  pool.print(spec.workerId, `token ${SECRET}`);
  expect(await driver.logsTail(spec.workerId, 5)).toEqual(["token ***"]);
  pool.crash(spec.workerId, `was ended: Authorization: Basic ${SECRET}`);
  expect(JSON.stringify(await driver.inspect(spec.workerId))).not.toContain("eyJ");
  expect(await driver.list()).toEqual([spec.workerId]);
});
