// The table's stream: every write that concerns anybody once or more, those of one item in order, until they are given up.
import type { Change } from "../../../shared/ports/store.ts";
import type { Draw } from "./draw.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";

export type Stream = {
  push(change: Change): void;
  /** The process that held them has ended. */
  drop(): void;
  readonly isEmpty: boolean;
};

export type StreamOptions = {
  readonly form: "single" | "cloud";
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly draw: Draw;
  /** The others are filtered out. */
  readonly concerns: (change: Change) => boolean;
  readonly handle: (change: Change) => Promise<void>;
};

/** In one process as in functions/change-queue.ts, in the cloud as in serverless.yml. */
const FORMS = {
  single: { tries: 3, retryMs: 500, latencyMs: 1 },
  cloud: { tries: 5, retryMs: 2_000, latencyMs: 600 },
} as const;
const MINUTE = 60_000;

export function createStream({ form, timeline, weather, draw, concerns, handle }: StreamOptions): Stream {
  const { tries, retryMs, latencyMs } = FORMS[form];
  const items = new Map<string, Change[]>();
  let life = 0;
  return {
    push,
    drop() {
      life++;
      items.clear();
    },
    get isEmpty() {
      return items.size === 0;
    },
  };

  function push(change: Change): void {
    if (concerns(change)) keep(change, change.kind === "job" ? change.job.id : change.worker.id);
  }

  function keep(change: Change, id: string): void {
    if (weather.strikes("change-lost", id)) return;
    const queue = items.get(id);
    if (queue !== undefined) {
      // Handlers look at the present state: one process keeps the last of those that wait.
      if (form === "single" && queue.length > 1) queue.pop();
      queue.push(change);
      return;
    }
    items.set(id, [change]);
    const isLate = weather.strikes("change-late", id);
    const ms = isLate ? draw.between(MINUTE / 2, 8 * MINUTE) : draw.between(0, latencyMs);
    plan(id, 1, ms);
  }

  function plan(id: string, attempt: number, ms: number): void {
    const mine = life;
    timeline.after(ms, () => {
      if (mine === life) void next(id, attempt);
    });
  }

  async function next(id: string, attempt: number): Promise<void> {
    const change = items.get(id)?.[0];
    if (change === undefined) return;
    const mine = life;
    const done = await handle(change).then(
      () => true,
      () => false,
    );
    if (mine !== life) return;
    if (!done && attempt < tries) plan(id, attempt + 1, retryMs * attempt);
    else if (done && weather.strikes("change-twice", id)) plan(id, 1, draw.between(100, 20_000));
    else leave(id);
  }

  function leave(id: string): void {
    const queue = items.get(id);
    queue?.shift();
    if (queue?.length === 0) items.delete(id);
    else plan(id, 1, draw.between(0, latencyMs));
  }
}
