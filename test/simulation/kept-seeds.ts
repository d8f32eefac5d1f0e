// Seeds that broke a rule once, one a line. kept-seeds.test.ts plays each: it must break nothing any more.
//
// A seed repeats its past only while the world draws as it did. So whatever is added to the world draws from a stream of
// its own (seed and name), and only from the next edition on (editions.ts): a kept seed is played in the edition that it
// was found in. A change of the program moves a run too, since the program's calls draw; the seed then is one run more.

import type { Rule } from "./checks/rules.ts";
import type { Edition } from "./plan/editions.ts";

export type KeptSeed = { readonly seed: number; readonly edition: Edition; readonly broke: Rule };

export const KEPT_SEEDS: readonly KeptSeed[] = [
  { seed: 1_278, edition: 1, broke: "open-here-ended-there" },
  { seed: 117_637, edition: 1, broke: "job-lost" },
  { seed: 442_843, edition: 1, broke: "job-lost" },
  { seed: 2_198_284, edition: 1, broke: "job-lost" },
  { seed: 2_969_971, edition: 1, broke: "drained-with-job" },
  { seed: 3_065_175, edition: 1, broke: "waits-in-vain" },
  { seed: 3_596_428, edition: 1, broke: "running-killed" },
  { seed: 4_199_139, edition: 1, broke: "wrong-result" },
  { seed: 4_719_083, edition: 1, broke: "job-lost" },
  { seed: 4_975_751, edition: 1, broke: "open-here-ended-there" },
  { seed: 6_049_679, edition: 1, broke: "waits-in-vain" },
  { seed: 81_000_124, edition: 2, broke: "too-many-writes" },
  { seed: 82_000_195, edition: 2, broke: "orphan-registration" },
  { seed: 310_000_245, edition: 2, broke: "waits-in-vain" },
  { seed: 320_000_560, edition: 3, broke: "running-killed" },
  { seed: 420_000_135, edition: 3, broke: "ended-too-early" },
  { seed: 420_000_196, edition: 3, broke: "running-killed" },
  { seed: 420_000_473, edition: 3, broke: "ended-too-early" },
  { seed: 520_002_588, edition: 3, broke: "unfair-start" },
];
