// Reads of one set that come together are one, and none of them is older than its question.
import { expect, test } from "vitest";
import { shareReads } from "../../../shared/adapters/dynamodb/share-reads.ts";

type Read = {
  readonly key: string;
  readonly resolve: (answer: string) => void;
  readonly reject: (fault: Error) => void;
};

function noted() {
  const reads: Read[] = [];
  const ask = shareReads(
    (key) => new Promise<string>((resolve, reject) => reads.push({ key, resolve, reject })),
  );
  return { reads, ask };
}

test("who asks while one is under way shares the next", async () => {
  const { reads, ask } = noted();
  const [first, ...others] = Array.from({ length: 25 }, () => ask("a"));
  expect(reads).toHaveLength(1);
  reads[0]!.resolve("old");
  expect(await first).toBe("old");
  expect(reads).toHaveLength(2);
  reads[1]!.resolve("new");
  expect(await Promise.all(others)).toEqual(others.map(() => "new"));
  void ask("a");
  expect(reads).toHaveLength(3);
});

test("keys have reads of their own, and a fault is theirs who asked for it", async () => {
  const { reads, ask } = noted();
  const [one, next, other] = [ask("a"), ask("a"), ask("b")];
  expect(reads.map(({ key }) => key)).toEqual(["a", "b"]);
  reads[1]!.resolve("b");
  expect(await other).toBe("b");
  reads[0]!.reject(new Error("away"));
  await expect(one).rejects.toThrow("away");
  reads[2]!.resolve("a");
  expect(await next).toBe("a");
});
