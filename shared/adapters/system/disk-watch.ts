// Whether the disk of the store is nearly full. Of a full one every write fails, the end of a job too: what is left below a
// mark is kept for those.
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "../../ports/log.ts";

/** A look costs 10 microseconds; in a second a fast client writes 10 MB. */
const LOOK_MS = 500;
const MAX_MARK_BYTES = 1_000_000_000;
const MARK_SHARE = 0.1;

/**
 * `path`: of a file or folder there, which need not be there yet. `freeBytes`: the mark; undefined: a tenth of the disk,
 * 1 GB at most. A disk that cannot be asked is not full.
 */
export function createDiskWatch(path: string, freeBytes: number | undefined, log: Log): () => boolean {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let isLow = false;
  return function isDiskLow() {
    const now = performance.now();
    if (now - lookedAt < LOOK_MS) return isLow;
    lookedAt = now;
    const disk = roomOf(path);
    const was = isLow;
    isLow = disk !== undefined && disk.free < (freeBytes ?? Math.min(MAX_MARK_BYTES, disk.size * MARK_SHARE));
    if (isLow && !was)
      log.warn("disk-low", { message: `${Math.floor((disk?.free ?? 0) / 1_000_000)} MB are free: ${LOW}` });
    if (was && !isLow) log.info("disk-has-room");
    return isLow;
  };
}

const LOW =
  "no new API jobs are taken until the data folder's disk has room again: free some, or lower limits.freeDiskBytes";

function roomOf(path: string): { readonly free: number; readonly size: number } | undefined {
  try {
    const { bavail, bsize, blocks } = statfsSync(path);
    return { free: bavail * bsize, size: blocks * bsize };
  } catch (error) {
    const above = dirname(path);
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT" && above !== path;
    return isMissing ? roomOf(above) : undefined;
  }
}
