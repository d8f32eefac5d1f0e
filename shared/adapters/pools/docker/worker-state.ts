// What a container's state is to the dispatcher, and what its worker left behind.
import type { PoolName, WorkerId } from "../../../domain/ids.ts";
import type { Log } from "../../../ports/log.ts";
import type { ContainerState } from "../../../ports/pool-driver.ts";
import { WORKER_DIR } from "./container-body.ts";
import type { Container } from "./container-facts.ts";
import type { Engine } from "./engine.ts";
import { devicesIn } from "./labels.ts";
import { tailOfFrames } from "./log-frames.ts";
import { readTarFile } from "./read-tar.ts";

export type StateDeps = { readonly engine: Engine; readonly pool: PoolName; readonly log: Log };

/** Logs and archives come at once or not at all. */
const QUIET_MS = 10_000;
/** Payloads are at most 20 MB; a larger result is not ours. */
const MAX_RESULT_BYTES = 20 * 1024 * 1024;

export async function workerState(
  workerId: WorkerId,
  found: Container,
  deps: StateDeps,
): Promise<ContainerState> {
  const devices = devicesIn(found.labels);
  switch (found.phase) {
    case "ended":
      if (found.outOfMemory) tellOutOfMemory(workerId, deps);
      return { type: "exited", code: found.exitCode, result: await readResult(workerId, deps.engine) };
    case "leaving":
      return { type: "exited", code: undefined, result: undefined };
    case "made":
      return { type: "running", waits: "its container is made, but was not started yet", devices };
    case "paused":
      return { type: "running", waits: "its container was paused on the host (docker unpause)", devices };
    case "running":
      return { type: "running", devices };
  }
}

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

function tellOutOfMemory(workerId: WorkerId, { pool, log }: StateDeps): void {
  const message = "the kernel killed a program of it for want of memory: see the pool's memory per card";
  log.warn("worker-out-of-memory", { pool, worker: workerId, message });
}
