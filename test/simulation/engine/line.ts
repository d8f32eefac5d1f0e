// A line to the dispatcher, of a container or of a client: asked again while nobody answers, and over with its holder.
import type { Deps } from "../../../shared/usecases/deps.ts";
import type { Draw } from "./draw.ts";
import type { Timeline } from "./timeline.ts";

export type Line<Needs = Deps> = {
  /** Undefined when nobody answered. */
  ask<T>(useCase: (deps: Needs) => Promise<T>): Promise<{ readonly answer: T } | undefined>;
  /** The first answer that is not undefined; undefined when there was none in time. */
  askUntil<T>(limitMs: number, useCase: (deps: Needs) => Promise<T | undefined>): Promise<T | undefined>;
  pause(ms: number): Promise<void>;
  /** No answer for this long. */
  cutOff(ms: number): void;
};

export type LineOptions<Needs> = {
  readonly timeline: Timeline;
  readonly draw: Draw;
  readonly call: <T>(useCase: (deps: Needs) => Promise<T>) => Promise<T>;
  /** Nobody is there any more to go on. */
  readonly isOver: () => boolean;
};

/** Between two tries, ms. */
const RETRY = [500, 15_000] as const;

export function createLine<Needs>({ timeline, draw, call, isOver }: LineOptions<Needs>): Line<Needs> {
  let cutOffUntil = 0;
  return {
    ask,
    async askUntil(limitMs, useCase) {
      const until = timeline.now() + limitMs;
      for (;;) {
        const { answer } = (await ask(useCase)) ?? {};
        if (answer !== undefined) return answer;
        const waitMs = draw.between(...RETRY);
        if (timeline.now() + waitMs > until) return undefined;
        await pause(waitMs);
      }
    },
    pause,
    cutOff(ms) {
      cutOffUntil = timeline.now() + ms;
    },
  };

  async function ask<T>(useCase: (deps: Needs) => Promise<T>): Promise<{ readonly answer: T } | undefined> {
    if (isOver()) return never();
    if (timeline.now() < cutOffUntil) return undefined;
    const heard = await call(useCase).then(
      (answer) => ({ answer }),
      () => undefined,
    );
    return isOver() ? never() : heard;
  }

  async function pause(ms: number): Promise<void> {
    await timeline.pause(ms);
    if (isOver()) return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
