// The disk of the store is looked at, and what is said of it follows from the mark.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDiskWatch } from "../../shared/adapters/system/disk-watch.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";

const folder = join(tmpdir(), "not", "there", "yet");

test("below its mark it is low, and one line says so", () => {
  const log = createCollectingLog();
  const isDiskLow = createDiskWatch(folder, Number.MAX_SAFE_INTEGER, log);
  expect([isDiskLow(), isDiskLow()]).toEqual([true, true]);
  expect(log.of("disk-low")).toMatchObject([
    { level: "warn", message: expect.stringMatching(/^\d+ MB are free: /) },
  ]);
});

test("above it, and one that cannot be asked, is not", () => {
  const log = createCollectingLog();
  expect(createDiskWatch(folder, 0, log)()).toBe(false);
  expect(createDiskWatch("\0", Number.MAX_SAFE_INTEGER, log)()).toBe(false);
  expect(log.of("disk-low")).toEqual([]);
});
