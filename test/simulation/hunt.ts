// Plays runs until the first that breaks: `node test/simulation/hunt.ts <seed> <runs> <edition> <kind,kind>`, in a copy
// of the program too.

import type { Rule } from "./checks/rules.ts";
import { EDITIONS, NEWEST } from "./plan/editions.ts";
import { FAULT_KINDS } from "./plan/fault-kinds.ts";
import { simulate } from "./simulate.ts";

export type Prey = {
  readonly runs: number;
  readonly jobs: number;
  /** Undefined: nothing broke. */
  readonly found: { readonly seed: number; readonly rule: Rule; readonly message: string } | undefined;
};

const [seed, runs, edition, kinds = ""] = process.argv.slice(2);
let found: Prey["found"];
const summary = await simulate({
  runs: Number(runs),
  seed: Number(seed),
  edition: EDITIONS.find((one) => String(one) === edition) ?? NEWEST,
  kinds: FAULT_KINDS.filter((kind) => kinds.split(",").includes(kind)),
  async onBroken(plan, { violations: [first] }) {
    if (first !== undefined) found = { seed: plan.seed, ...first };
    return true;
  },
});
const prey: Prey = { runs: summary.runs, jobs: summary.jobs, found };
process.stdout.write(`${JSON.stringify(prey)}\n`);
