// One fault of a kind: when, for how long, how often.
import type { Draw } from "../engine/draw.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { FAULT_SHAPES } from "./fault-kinds.ts";
import type { PlannedFault } from "./planned.ts";
import { STORM_MS } from "./planned.ts";

export function drawFault(draw: Draw, kind: FaultKind): PlannedFault {
  const { ms, rate } = FAULT_SHAPES[kind];
  const length = draw.between(ms[0], ms[1]);
  const [least, most] = rate;
  return {
    type: "fault",
    kind,
    at: draw.between(0, STORM_MS - length),
    ms: length,
    rate: least + (most - least) * draw.fraction(),
    seed: draw.between(1, 2 ** 31),
  };
}
