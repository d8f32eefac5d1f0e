// GitHub's time, as its answers tell it: what we sign for it is judged by its clock, not by ours.
import type { EpochMs } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Headers } from "./budget.ts";

export type GithubTime = {
  now(): EpochMs;
  /** Answers whether it told a time other than was known: what was signed by the old one may be signed anew. */
  hear(headers: Headers): boolean;
};

/** `Date` has whole seconds, and an answer may take its time; GitHub takes a JWT that is a minute off. */
const DIFFERS_MS = 30_000;

export function createGithubTime(clock: Clock, log: Log): GithubTime {
  let aheadMs = 0;
  return {
    now: () => clock.now() + aheadMs,
    hear({ date }) {
      const told = Date.parse(String(date));
      if (Number.isNaN(told)) return false;
      const differs = told - clock.now();
      const next = Math.abs(differs) > DIFFERS_MS ? differs : 0;
      if (Math.abs(next - aheadMs) <= DIFFERS_MS) return false;
      aheadMs = next;
      note(log, next);
      return true;
    },
  };
}

function note(log: Log, aheadMs: number): void {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const message =
    aheadMs === 0
      ? "this machine's clock agrees with GitHub's again"
      : `this machine's clock is ${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} GitHub's: requests are signed by GitHub's time; set the clock (NTP), since deadlines go by it`;
  log.warn("clock-differs", { ms: aheadMs, message });
}
