// Finds the process of a worker that has a folder, also when a crash came between its start and the note of its pid.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../../domain/ids.ts";
import { findMarked } from "./end-processes.ts";
import { isRunning, type ProcessIdentity } from "./read-processes.ts";
import { MARKER } from "./worker-env.ts";
import type { WorkerFolders } from "./worker-folders.ts";
import type { WorkerRecord } from "./worker-record.ts";

export type Place =
  /** Its process, running or ended. */
  | { readonly type: "process"; readonly process: ProcessIdentity }
  /** Another dispatcher is between the folder and the process. */
  | { readonly type: "starting" }
  /** There is no process: the starter died before it, the host was booted since, or the record cannot be read. */
  | { readonly type: "none" };

/** A child forked by a dispatcher that was killed in that moment has its marker only after exec, a few ms later. */
const EXEC_MS = 100;

export async function locateWorker(
  workerId: WorkerId,
  record: WorkerRecord | undefined,
  folders: WorkerFolders,
  bootId: string,
): Promise<Place> {
  if (record?.bootId !== bootId) return { type: "none" };
  if (record.process !== undefined) return { type: "process", process: record.process };
  if (isRunning(record.starter)) return { type: "starting" };
  await sleep(EXEC_MS);
  const found = await findMarked(marker(workerId), record.starter.startTicks);
  if (found === undefined) return { type: "none" };
  await folders.writeRecord(workerId, { ...record, process: found });
  return { type: "process", process: found };
}

export function marker(workerId: WorkerId): string {
  return `${MARKER}=${workerId}`;
}
