// A call of API Gateway's tells its function the time; one of another kind tells nothing.
import { expect, test } from "vitest";
import { hearCall } from "../../../functions/lambda/hear-call.ts";
import { createHeardClock } from "../../../shared/adapters/system/heard-clock.ts";
import { T0 } from "../../domain/builders.ts";

test.each([
  ["a host that is behind", { timeEpoch: T0 + 300_000 }, T0 + 300_000],
  ["a call that has waited for a cold start", { timeEpoch: T0 - 20_000 }, T0],
  ["no time", { stage: "$default" }, T0],
  ["no context", undefined, T0],
])("%s", (_, context, now) => {
  const clock = createHeardClock(() => T0);
  hearCall(clock, context);
  expect(clock.now()).toBe(now);
});
