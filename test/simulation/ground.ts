// What every part of a run's world goes by.

import type { Watch } from "./checks/watch.ts";
import type { Draw } from "./engine/draw.ts";
import type { Table } from "./engine/table.ts";
import type { Timeline } from "./engine/timeline.ts";
import type { Trace } from "./engine/trace.ts";
import type { Weather } from "./engine/weather.ts";
import type { Plan } from "./plan/planned.ts";
import type { Scene } from "./scenery.ts";

export type Ground = {
  readonly plan: Plan;
  readonly scene: Scene;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly weather: Weather;
  readonly watch: Watch;
  readonly table: Table;
  /** Chance of one part of the world. */
  readonly drawFor: (part: string) => Draw;
};
