// What a report says of processes that were killed for lack of memory.
import { expect, test } from "vitest";
import { describeKills } from "../../shared/domain/memory-kills.ts";

const GIB = 1_073_741_824;

test.each([
  [1, undefined, "1 process was killed for lack of memory"],
  [3, 400 * 1_048_576, "3 processes were killed for lack of memory; limit 400 MiB"],
  [2, 10 * GIB, "2 processes were killed for lack of memory; limit 10 GiB"],
  [2, 10 * GIB - 1_048_576, "2 processes were killed for lack of memory; limit 10239 MiB"],
])("%j killed within %j bytes", (killed, limitBytes, words) => {
  expect(describeKills({ killed, limitBytes })).toBe(words);
});
