// Rate limits: never more than RunPod's in any 10 s, and no longer shut than that.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RateLimiter } from "../../../functions/http/rate-limit.ts";
import { createRateLimiter } from "../../../functions/http/rate-limit.ts";
import { manualClock } from "../../fakes/clock.ts";

const WINDOW_MS = 10_000;

function take(limiter: RateLimiter, endpoint = "one", tenant = "t") {
  const admission = limiter.admit(tenant, endpoint, "requests");
  if (admission.type === "admitted") admission.release();
  return admission;
}

test("in no window of 10 s more than the limit, whatever the pauses; after the stated wait it is open again", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 80 }), (pauses) => {
      const clock = manualClock(0);
      const limiter = createRateLimiter(clock);
      const admitted: number[] = [];
      for (const pause of pauses) {
        clock.advance(pause);
        const admission = take(limiter);
        if (admission.type === "limited") {
          expect(admission.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS + 1_000);
          clock.advance(admission.retryAfterMs);
          expect(take(limiter).type).toBe("admitted");
        }
        admitted.push(clock.now());
      }
      for (const at of admitted) {
        const within = admitted.filter((other) => other > at - WINDOW_MS && other <= at);
        expect(within.length).toBeLessThanOrEqual(10);
      }
    }),
  );
});

describe("what is counted apart", () => {
  test("endpoints, tenants and operations", () => {
    const limiter = createRateLimiter(manualClock(0));
    for (let times = 0; times < 10; times++) take(limiter);
    expect(take(limiter).type).toBe("limited");
    expect(take(limiter, "two").type).toBe("admitted");
    expect(take(limiter, "one", "u").type).toBe("admitted");
    expect(limiter.admit("t", "one", "status").type).toBe("admitted");
  });

  test("requests at once: an answer makes room, once", () => {
    const limiter = createRateLimiter(manualClock(0));
    const first = limiter.admit("t", "one", "requests");
    limiter.admit("t", "one", "requests");
    expect(limiter.admit("t", "one", "requests")).toMatchObject({ type: "limited", retryAfterMs: 1_000 });
    if (first.type !== "admitted") throw new Error("the first was not admitted");
    first.release();
    first.release();
    expect(limiter.admit("t", "one", "requests").type).toBe("admitted");
    expect(limiter.admit("t", "one", "requests").type).toBe("limited");
  });
});

describe("with the endpoint's workers", () => {
  const admitted = (workers: number, operation: "status" | "run" | "requests") => {
    const limiter = createRateLimiter(manualClock(0));
    for (let count = 0; ; count++) {
      const admission = limiter.admit("t", "one", operation, workers);
      if (admission.type === "limited") return count;
      admission.release();
    }
  };

  test("RunPod's example: 20 workers are below the base, 50 give 2,500 status calls in 10 s", () => {
    expect([0, 20, 40, 50].map((workers) => admitted(workers, "status"))).toEqual([
      2_000, 2_000, 2_000, 2_500,
    ]);
    expect([40, 50, 80].map((workers) => admitted(workers, "run"))).toEqual([1_000, 1_250, 2_000]);
    expect([41, 44].map((workers) => admitted(workers, "requests"))).toEqual([10, 11]);
  });
});

test("20,000 others make nobody's count forgotten, be it of the window or of the calls under way", () => {
  const clock = manualClock(0);
  const limiter = createRateLimiter(clock);
  const others = () => {
    for (let number = 0; number < 20_000; number++) take(limiter, `endpoint-${number}`);
  };
  const held = [1, 2].map(() => limiter.admit("t", "held", "purge-queue"));
  for (let times = 0; times < 10; times++) take(limiter);
  others();
  expect(take(limiter).type).toBe("limited");
  clock.advance(WINDOW_MS + 1_000);
  others();
  expect(take(limiter).type).toBe("admitted");
  expect(limiter.admit("t", "held", "purge-queue")).toMatchObject({
    message: expect.stringContaining("at once"),
  });
  for (const admission of held) if (admission.type === "admitted") admission.release();
  expect(limiter.admit("t", "held", "purge-queue").type).toBe("admitted");
});
