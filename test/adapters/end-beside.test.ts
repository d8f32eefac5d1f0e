// Ends side by side with whoever asks for them.
import { expect, test } from "vitest";
import { endBeside } from "../../shared/adapters/pools/end-beside.ts";
import { newId } from "../contract/pool-driver-contract.ts";

const LONG_MS = 600_000;

function ends() {
  const begun: {
    readonly graceMs: number;
    resolve(outcome: "gone" | "stopping"): void;
    reject(error: Error): void;
  }[] = [];
  const stop = endBeside((_id, graceMs) => {
    const { promise, resolve, reject } = Promise.withResolvers<"gone" | "stopping">();
    begun.push({ graceMs, resolve, reject });
    return promise;
  });
  return { begun, stop };
}

test("one end for all who ask, and who asks again is answered at once", async () => {
  const { begun, stop } = ends();
  const id = newId();
  expect(await stop(id, LONG_MS)).toBe("stopping");
  expect(await Promise.all([stop(id, LONG_MS), stop(id, LONG_MS)])).toEqual(["stopping", "stopping"]);
  expect(begun).toHaveLength(1);
  begun[0]?.resolve("gone");
  expect(await stop(id, LONG_MS)).toBe("gone");
  expect(begun).toHaveLength(1);
});

test("after an end that was not one it is begun anew", async () => {
  const { begun, stop } = ends();
  const id = newId();
  const first = stop(id, LONG_MS);
  begun[0]?.resolve("stopping");
  expect(await first).toBe("stopping");
  void stop(id, LONG_MS);
  expect(begun).toHaveLength(2);
});

test("a shorter grace begins anew; other workers have ends of their own", async () => {
  const { begun, stop } = ends();
  const id = newId();
  expect(await stop(id, LONG_MS)).toBe("stopping");
  const soon = stop(id, 0);
  const other = stop(newId(), 0);
  expect(begun.map(({ graceMs }) => graceMs)).toEqual([LONG_MS, 0, 0]);
  begun[1]?.resolve("gone");
  begun[2]?.resolve("gone");
  expect(await Promise.all([soon, other])).toEqual(["gone", "gone"]);
});

test("a fault that comes when nobody asks is told to whoever asks next, once", async () => {
  const { begun, stop } = ends();
  const id = newId();
  expect(await stop(id, LONG_MS)).toBe("stopping");
  begun[0]?.reject(new Error("EACCES"));
  await expect(stop(id, LONG_MS)).rejects.toThrow("EACCES");
  void stop(id, LONG_MS);
  expect(begun).toHaveLength(2);
});
