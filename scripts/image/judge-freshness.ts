// Whether GitHub will still give jobs to a runner of a version: pure.
import type { Release } from "./runner-releases.ts";

/**
 * GitHub queues no job to a runner that was not updated within 30 days of a newer release.
 * https://docs.github.com/en/actions/reference/runners/self-hosted-runners#runner-software-updates-on-self-hosted-runners
 */
const GRACE_DAYS = 30;
const DAY_MS = 86_400_000;

export type Freshness = { readonly fresh: boolean; readonly sentence: string };

/** @param pinned `2.338.0` @param now epoch ms */
export function judgeFreshness(pinned: string, releases: readonly Release[], now: number): Freshness {
  const newer = releases
    .filter(({ version }) => compareVersions(version, pinned) > 0)
    .sort((a, b) => a.publishedAt - b.publishedAt);
  const [first] = newer;
  const latest = newer.reduce((a, b) => (compareVersions(b.version, a) > 0 ? b.version : a), pinned);
  if (first === undefined)
    return { fresh: true, sentence: `actions/runner ${pinned} is the latest release.` };
  const refusedAt = first.publishedAt + GRACE_DAYS * DAY_MS;
  const days = Math.ceil((refusedAt - now) / DAY_MS);
  return {
    fresh: false,
    sentence:
      `actions/runner ${pinned} is in the worker image, ${latest} is the latest. ` +
      `${first.version} came on ${day(first.publishedAt)}: GitHub gives no job to ${pinned} ` +
      `${days > 0 ? `from ${day(refusedAt)} on, in ${days} ${days === 1 ? "day" : "days"}` : `since ${day(refusedAt)}`}. ` +
      `Put ${latest} and its two SHA-256 (https://github.com/actions/runner/releases/tag/v${latest}) into ` +
      "worker/image/versions.json and build the images.",
  };
}

/** Negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number));
  for (let index = 0; index < 3; index++) {
    const difference = (x?.[index] ?? 0) - (y?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
