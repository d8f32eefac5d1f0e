// What happened in a run, in order: a hash that tells two runs apart, and the lines for people where they are wanted.
import type { EpochMs } from "../../../shared/domain/ids.ts";

export type Trace = {
  note(who: string, what: string, id?: string, detail?: string): void;
  readonly hash: number;
  /** Empty unless lines are kept. */
  readonly lines: readonly string[];
};

export function createTrace(options: {
  readonly now: () => EpochMs;
  readonly start: EpochMs;
  readonly keep: boolean;
}): Trace {
  const { now, start, keep } = options;
  const lines: string[] = [];
  let hash = 0x811c9dc5;
  return {
    note(who, what, id = "", detail = "") {
      stir(now() - start);
      mix(who);
      mix(what);
      mix(id);
      mix(detail);
      if (keep)
        lines.push(`${clock(now() - start)} ${who.padEnd(9)} ${what.padEnd(20)} ${id} ${detail}`.trimEnd());
    },
    get hash() {
      return hash;
    },
    lines,
  };

  /**
   * Its length and its end: a whole run costs a thirtieth more with every character, and what differs soon shows in
   * times.
   */
  function mix(text: string): void {
    stir(text.length);
    for (let at = Math.max(0, text.length - 2); at < text.length; at++) stir(text.charCodeAt(at));
  }

  function stir(value: number): void {
    hash = Math.imul(hash ^ value, 0x01000193) >>> 0;
  }
}

/** `1:02:03.004` since the start of the run. */
export function clock(ms: number): string {
  const part = (value: number, width: number) => String(value).padStart(width, "0");
  const seconds = Math.floor(ms / 1_000);
  const hours = Math.floor(seconds / 3_600);
  return `${hours}:${part(Math.floor(seconds / 60) % 60, 2)}:${part(seconds % 60, 2)}.${part(ms % 1_000, 3)}`;
}
