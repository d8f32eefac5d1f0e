// One NPU server and its local pool: each worker sees all cards of the host, and judges those that it was given.
import { afterEach, expect, test } from "vitest";
import { type Session, startSession } from "./harness/session.ts";
import { until } from "./until.ts";

const ADMIN_KEY = "admin-key-of-the-host-cards-test";

let session: Session | undefined;
afterEach(async () => {
  await session?.serve.dispose();
  session = undefined;
});

test("jobs of one and two cards run side by side on a host of four, whatever goes on on the others", async () => {
  session = await startSession({
    hostCards: 4,
    cards: 3,
    // The last card is nobody's here.
    workerEnv: { NPU_DISPATCH_SIMULATED_ALARM: "3", NPU_DISPATCH_SIMULATED_USED: "3" },
  });
  const { github } = session.serve;
  const one = session.queue(["npu-smi info", "echo given=$ASCEND_VISIBLE_DEVICES", "sleep 1"]);
  const two = session.queue(["echo given=$ASCEND_VISIBLE_DEVICES", "sleep 1"], ["linux-arm64-npu-2"]);
  for (const id of [one, two]) await session.ended(id);
  expect(github.workflowJob(one)).toMatchObject({ conclusion: "success" });
  expect(github.workflowJob(two)).toMatchObject({ conclusion: "success" });
  const lines = [one, two].flatMap((id) => github.workflowJob(id).lines);
  expect(lines.filter((line) => /^\| \d +910B4 /.test(line))).toHaveLength(4);
  const given = lines.flatMap((line) => /^given=(.*)$/.exec(line)?.[1]?.split(",") ?? []);
  expect(given.sort((a, b) => Number(a) - Number(b))).toEqual(["0", "1", "2"]);
  expect(session.serve.output()).not.toContain("preflight-failed");
  await session.nothingLeft();
});

test("an ill card is blamed alone, and its job runs on another", async () => {
  session = await startSession({
    hostCards: 2,
    cards: 2,
    workerEnv: { NPU_DISPATCH_SIMULATED_ALARM: "0" },
    env: { ADMIN_KEY },
  });
  const { serve } = session;
  const id = session.queue(["echo given=$ASCEND_VISIBLE_DEVICES"]);
  await session.ended(id);
  expect(serve.github.workflowJob(id).lines).toContain("given=1");
  const struck = await until("the card to be struck", async () => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const answer = await fetch(`${serve.url}/admin/state`, { headers });
    const { pools } = (await answer.json()) as { pools: { cards: { card: string; reason: string }[] }[] };
    const cards = pools.flatMap((pool) => pool.cards);
    return cards.length > 0 ? cards : undefined;
  });
  expect(struck).toMatchObject([
    { card: "0", reason: expect.stringContaining("NPU 0 chip 0 (910B4) reports Alarm") },
  ]);
  await session.nothingLeft();
});
