// Processes that the kernel killed in this container for lack of memory: it leaves no other word of a step that goes so.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MemoryKills } from "../../shared/domain/memory-kills.ts";

/**
 * How many since `before` was read; undefined: none, or nobody counts. `folder` is /sys/fs/cgroup, as the container sees
 * it.
 */
export async function memoryKillsSince(before: number, folder: string): Promise<MemoryKills | undefined> {
  const killed = (await readKillCount(folder)) - before;
  if (killed <= 0) return undefined;
  const limitBytes = await readLimit(folder);
  return { killed, ...(limitBytes !== undefined && { limitBytes }) };
}

/** Both versions of cgroups: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files */
export async function readKillCount(folder: string): Promise<number> {
  const text = await readFirst(folder, ["memory.events", "memory/memory.oom_control"]);
  return Number(/^oom_kill (\d{1,9})$/m.exec(text)?.[1] ?? 0);
}

async function readLimit(folder: string): Promise<number | undefined> {
  const text = await readFirst(folder, ["memory.max", "memory/memory.limit_in_bytes"]);
  const bytes = Number(text.trim() || "max");
  // Without a limit version 1 says nearly 2^63.
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

async function readFirst(folder: string, names: readonly string[]): Promise<string> {
  for (const name of names) {
    try {
      return await readFile(join(folder, name), "utf8");
    } catch {
      // The other version, another kernel, or no right to look: nobody counts.
    }
  }
  return "";
}
