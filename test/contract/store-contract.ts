// What every store must do: one suite, run on each adapter. It opens rows, so that faults can be put between.
import { afterEach, beforeEach, describe } from "vitest";
import { apiCases } from "./store-api.ts";
import { createBench, createManualClock, type OpenedRows, type StoreBench } from "./store-bench.ts";
import { faultCases } from "./store-faults.ts";
import { listingCases } from "./store-listings.ts";
import { markCases } from "./store-marks.ts";
import { writeCases } from "./store-writes.ts";

export function describeStores(name: string, open: (clock: { now(): number }) => Promise<OpenedRows>): void {
  describe(name, () => {
    let opened: OpenedRows;
    let bench: StoreBench;
    beforeEach(async () => {
      const clock = createManualClock();
      opened = await open(clock);
      bench = createBench(opened.rows, clock);
    });
    afterEach(() => opened.close());

    describe("writes", () => writeCases(() => bench));
    describe("listings", () => listingCases(() => bench));
    describe("api", () => apiCases(() => bench));
    describe("marks", () => markCases(() => bench));
    describe("faults", () => faultCases(() => bench));
  });
}
