// The seed of all properties of a test file: a fresh one in every run, since a fixed one proves one past.
//
// A property that fails prints it, and so does a test that is too slow for it: PROPERTY_SEED=… npm test plays it again.
import { randomInt } from "node:crypto";
import fc from "fast-check";
import { beforeEach } from "vitest";

/** What fast-check takes as a seed. */
const MAX_SEED = 2 ** 31;

const { PROPERTY_SEED } = process.env;
const seed = PROPERTY_SEED === undefined ? randomInt(MAX_SEED) : Number(PROPERTY_SEED);
fc.configureGlobal({ seed });

beforeEach(({ onTestFailed, task }) => {
  onTestFailed(() => {
    process.stderr.write(`${task.name}: properties played PROPERTY_SEED=${seed}\n`);
  });
});
