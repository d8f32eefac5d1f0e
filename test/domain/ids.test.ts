// What may be a worker id, and which runners are ours.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  endpointName,
  githubJobId,
  isOwnRunner,
  isWorkerName,
  jobId,
  newWorkerId,
  parseWorkerId,
  poolName,
  tenantId,
} from "../../shared/domain/ids.ts";

describe("a worker id", () => {
  test.each(["a", "npud-t3st00-0123456789", "x".repeat(50)])("%s can be one", (text) => {
    expect(parseWorkerId(text)).toBe(text);
  });

  test.each(["", "A", "a_b", "a.b", "a/b", "../a", "ä", "a\n", "x".repeat(51)])("%j cannot", (text) => {
    expect(parseWorkerId(text)).toBeUndefined();
  });

  test("property: a new one can be parsed, is ours, and no other deployment's", () => {
    const part = (length: number) =>
      fc.string({
        unit: fc.constantFrom(..."abcxyz0189"),
        minLength: length,
        maxLength: length,
      });
    fc.assert(
      fc.property(part(6), part(6), part(12), (deployment, other, random) => {
        const id = newWorkerId(deployment, random);
        expect(parseWorkerId(id)).toBe(id);
        expect(isWorkerName(id)).toBe(true);
        expect(isOwnRunner(deployment, id)).toBe(true);
        expect(isOwnRunner(other, id)).toBe(other === deployment);
      }),
    );
  });

  test.each([
    "npud-t3st00-A",
    "npud-t3st00-a b",
    `npud-t3st00-${"x".repeat(50)}`,
    "gpu-host-7",
    "xnpud-t3st00-a",
  ])("the runner %s is a stranger's", (name) => {
    expect(isOwnRunner("t3st00", name)).toBe(false);
    expect(isWorkerName(name)).toBe(false);
  });
});

test("the other ids keep their text; numbers of GitHub's size lose no digit", () => {
  expect(githubJobId(100_520_616_165)).toBe("gh-100520616165");
  expect(tenantId(4711)).toBe(tenantId("4711"));
  expect([endpointName("e"), poolName("p"), jobId("j")]).toEqual(["e", "p", "j"]);
});
