// What every part of a run's world goes by.
import type { Draw } from "./draw.ts";
import type { Plan } from "./plan.ts";
import type { Scene } from "./scenery.ts";
import type { Table } from "./table.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import type { Watch } from "./watch.ts";
import type { Weather } from "./weather.ts";

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
