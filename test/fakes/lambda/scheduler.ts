// EventBridge's clock: sends a schedule event at a fixed rate, sometimes twice, whatever the last one is doing.
import { scheduleEvent } from "./events.ts";
import type { Invocation } from "./lambda.ts";

export type SchedulerOptions = {
  readonly everyMs: number;
  readonly invoke: (event: unknown) => Promise<Invocation>;
  readonly chance: () => number;
  readonly repeatShare: number;
};

export type Scheduler = { readonly repeats: number; stop(): Promise<void> };

export function startScheduler(options: SchedulerOptions): Scheduler {
  const running = new Set<Promise<unknown>>();
  let repeats = 0;
  const send = (): void => {
    const call = options.invoke(scheduleEvent("reconcile")).finally(() => running.delete(call));
    running.add(call);
  };
  const timer = setInterval(() => {
    send();
    if (options.chance() >= options.repeatShare) return;
    repeats++;
    send();
  }, options.everyMs);
  return {
    get repeats() {
      return repeats;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}
