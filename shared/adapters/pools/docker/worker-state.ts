// What a container's state is to the dispatcher, and what its worker left behind.
import type { PoolName, WorkerId } from "../../../domain/ids.ts";
import type { ContainerState } from "../../../ports/pool-driver.ts";
import { WORKER_DIR } from "./container-body.ts";
import type { Container } from "./container-facts.ts";
import type { Engine } from "./engine/engine.ts";
import { tailOfFrames } from "./engine/log-frames.ts";
import { readTarFile } from "./engine/read-tar.ts";
import { deadlineIn, devicesIn, slotsIn } from "./labels.ts";

export type StateDeps = { readonly engine: Engine; readonly pool: PoolName };

/** Logs and archives come at once or not at all. */
const QUIET_MS = 10_000;
/** Payloads are at most 20 MB; a larger result is not ours. */
const MAX_RESULT_BYTES = 20 * 1024 * 1024;

export async function workerState(
  workerId: WorkerId,
  found: Container,
  deps: StateDeps,
): Promise<ContainerState> {
  const place = { slots: slotsIn(found.labels), devices: devicesIn(found.labels) };
  switch (found.phase) {
    case "ended":
      return {
        type: "exited",
        code: found.exitCode,
        result: await readResult(workerId, deps.engine),
        ...reasonOf(found, deps.pool),
        ...place,
      };
    case "leaving":
      return { type: "exited", code: undefined, result: undefined };
    case "made":
      return { type: "running", waits: MADE, waitsFor: "host", ...place };
    case "paused":
      return { type: "running", waits: PAUSED, waitsFor: "host", ...place };
    case "running":
      return { type: "running", ...place };
  }
}

const MADE = "its container is made, but was not started yet";
const PAUSED = "its container was paused on the host (docker unpause)";

/** The last lines of its output; none where the container is gone. */
export async function readLog(workerId: WorkerId, lines: number, engine: Engine): Promise<string[]> {
  const path = `/containers/${workerId}/logs`;
  const query = { stdout: "1", stderr: "1", tail: String(lines) };
  const { status, chunks } = await engine.stream({ method: "GET", path, query }, QUIET_MS);
  const tail = await tailOfFrames(chunks, lines);
  return status === 200 ? tail : [];
}

/** Also of a container that has ended, and without a folder shared with the host. */
async function readResult(workerId: WorkerId, engine: Engine): Promise<string | undefined> {
  const path = `/containers/${workerId}/archive`;
  const query = { path: `${WORKER_DIR}/result.json` };
  const { status, chunks } = await engine.stream({ method: "GET", path, query }, QUIET_MS);
  const text = await readTarFile(chunks, MAX_RESULT_BYTES);
  return status === 200 ? text : undefined;
}

/** An engine's own words may quote a whole command line. */
const MAX_WORDS = 400;

function reasonOf(found: Container, pool: PoolName): { reason?: string } {
  const { outOfMemory, error, endedAt = 0, labels } = found;
  if (outOfMemory) {
    return {
      reason: `was killed for lack of memory (OOMKilled): raise perCard.memory of pool ${pool}, or let the job use less`,
    };
  }
  if (endedAt >= (deadlineIn(labels) ?? Number.POSITIVE_INFINITY))
    return { reason: "was ended at its time limit" };
  return error === "" ? {} : { reason: `could not be run: ${error.slice(0, MAX_WORDS)}` };
}
