// Hundreds that ask for their workers at once share a list; what each is told was read after it asked.
import { expect, test } from "vitest";
import { LABEL } from "../../../shared/adapters/pools/kubernetes/names.ts";
import { createSharedFind } from "../../../shared/adapters/pools/kubernetes/shared-find.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";

const ids = Array.from({ length: 500 }, (_, n) => `npud-test00-${n}` as WorkerId);
const jobOf = (id: string) => ({ metadata: { name: id, labels: { [LABEL.worker]: id } } });

test("one that asks alone has a list of its own; five hundred share one", async () => {
  const asked: (string | undefined)[] = [];
  const find = createSharedFind(async (id) => {
    asked.push(id);
    return { jobs: (id === undefined ? ids : [id]).map(jobOf), pods: [] };
  });
  expect((await find(ids[7])).jobs).toEqual([jobOf(ids[7]!)]);
  const all = await Promise.all(ids.map((id) => find(id)));
  expect(all.map(({ jobs }) => jobs[0]?.metadata?.name)).toEqual(ids);
  expect(asked).toEqual([ids[7], undefined]);
});

test("who asks while a list is under way is told of the next one, not of that", async () => {
  let version = 0;
  const gates: (() => void)[] = [];
  const find = createSharedFind(async () => {
    const seen = ++version;
    await new Promise<void>((resolve) => gates.push(resolve));
    return { jobs: [jobOf(`v${seen}`)], pods: [] };
  });
  const early = find();
  await expect.poll(() => gates.length).toBe(1);
  const late = find();
  gates[0]?.();
  expect((await early).jobs[0]?.metadata?.name).toBe("v1");
  await expect.poll(() => gates.length).toBe(2);
  gates[1]?.();
  expect((await late).jobs[0]?.metadata?.name).toBe("v2");
});

test("a list that fails is a fault for all that wait for it, and no reason for the next", async () => {
  const api: { isAway: boolean } = { isAway: true };
  const find = createSharedFind(async () => {
    if (api.isAway) throw new Error("away");
    return { jobs: [], pods: [] };
  });
  const outcomes = await Promise.allSettled([find(), find(ids[1])]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  api.isAway = false;
  expect(await find()).toEqual({ jobs: [], pods: [] });
});
