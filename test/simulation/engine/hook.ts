// The App's hook: deliveries that arrive, arrive late, twice or never, and the list of them that GitHub keeps.
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { HookDelivery } from "../../../shared/ports/github.ts";
import type { Draw } from "./draw.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import type { Weather } from "./weather.ts";

export type Hook = {
  /** An event of GitHub's. `mayBeSilent`: we could find out about it without hearing of it. */
  tell(word: WorkflowJobWord, mayBeSilent: boolean): void;
  deliveries(cursor?: string): { deliveries: HookDelivery[]; next: string | undefined };
  redeliver(id: string): void;
  /** Nothing is on its way. */
  readonly isEmpty: boolean;
};

export type HookOptions = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly weather: Weather;
  readonly draw: Draw;
  /** Our webhook: rejects when it does not answer 2xx in time. */
  readonly post: (word: WorkflowJobWord) => Promise<unknown>;
};

type Event = { readonly guid: string; readonly word: WorkflowJobWord };

const PAGE = 100;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function createHook({ timeline, trace, weather, draw, post }: HookOptions): Hook {
  /** Oldest first. */
  const log: HookDelivery[] = [];
  const events = new Map<string, Event>();
  /** Beyond 2^53, as GitHub's are. */
  let lastId = 130_000_000_000_000_000n;
  let lastGuid = 0;
  let underWay = 0;

  return {
    tell(word, mayBeSilent) {
      const name = `gh-${word.workflowJobId}`;
      if (mayBeSilent && weather.strikes("delivery-never", name)) return;
      const event = { guid: `guid-${++lastGuid}`, word };
      send(event, delayOf(name));
      if (weather.strikes("delivery-twice", name)) send(event, delayOf(name));
    },
    deliveries(cursor) {
      const end = cursor === undefined ? log.length : log.findIndex(({ id }) => id === cursor);
      const from = Math.max(0, end - PAGE);
      const page = log.slice(from, Math.max(0, end)).reverse();
      return { deliveries: page, next: from > 0 ? log[from]?.id : undefined };
    },
    redeliver(id) {
      const event = events.get(id);
      if (event === undefined) return;
      trace.note("github", "redelivery", `gh-${event.word.workflowJobId}`, event.word.status);
      send(event, draw.between(500, 20_000));
    },
    get isEmpty() {
      return underWay === 0;
    },
  };

  function send(event: Event, ms: number): void {
    underWay++;
    timeline.after(ms, () => deliver(event));
  }

  /** 1 to 3 s as a rule. */
  function delayOf(name: string): number {
    if (weather.strikes("delivery-late", name)) {
      return draw.chance(0.3) ? draw.between(HOUR, 3 * HOUR) : draw.between(MINUTE, 30 * MINUTE);
    }
    if (weather.strikes("delivery-reordered", name)) return draw.between(100, 90_000);
    return draw.between(300, 3_000);
  }

  function deliver(event: Event): void {
    const { guid, word } = event;
    const deliveredAt = timeline.now();
    const id = String(++lastId);
    events.set(id, event);
    const name = `gh-${word.workflowJobId}`;
    const record = (ok: boolean): void => {
      underWay--;
      log.push({ id, guid, deliveredAt, ok, event: "workflow_job", action: word.status });
      trace.note("github", ok ? "delivered" : "not-delivered", name, word.status);
    };
    if (weather.strikes("delivery-lost", name)) record(false);
    else
      post(word).then(
        () => record(true),
        () => record(false),
      );
  }
}
