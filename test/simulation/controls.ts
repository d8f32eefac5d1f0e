// All mistakes that the simulator must find, each put into a copy of the real program.
import { API_CONTROLS } from "./controls/api.ts";
import { CARDS_CONTROLS } from "./controls/cards.ts";
import { CHOICE_CONTROLS } from "./controls/choice.ts";
import { CLOCKS_CONTROLS } from "./controls/clocks.ts";
import type { Control } from "./controls/control.ts";
import { JOBS_CONTROLS } from "./controls/jobs.ts";
import { PROGRAMS_CONTROLS } from "./controls/programs.ts";
import { WORKERS_CONTROLS } from "./controls/workers.ts";
import { WRITES_CONTROLS } from "./controls/writes.ts";

export const CONTROLS: readonly Control[] = [
  ...API_CONTROLS,
  ...CARDS_CONTROLS,
  ...CHOICE_CONTROLS,
  ...CLOCKS_CONTROLS,
  ...JOBS_CONTROLS,
  ...PROGRAMS_CONTROLS,
  ...WORKERS_CONTROLS,
  ...WRITES_CONTROLS,
];
