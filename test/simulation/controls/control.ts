// A mistake put into the program by hand, which the simulator must find, and the rule that it must break.

import type { Rule } from "../checks/rules.ts";
import type { Edit } from "../engine/patched-copy.ts";
import type { Edition } from "../plan/editions.ts";
import type { FaultKind } from "../plan/fault-kinds.ts";

export type Control = {
  /** What the program does then. */
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly breaks: Rule;
  /** Faults that bring it out. */
  readonly kinds: readonly FaultKind[];
  /** Of the first run: a little before one that breaks, as CI has a minute for all of them. */
  readonly seed: number;
  /** Where it takes more than the first edition has. */
  readonly edition?: Edition;
};
