// What a pool says of the container of a worker that is ending. Its end waits for no answer.
import type { Worker } from "../../domain/worker/worker.ts";
import type { ContainerState } from "../../ports/pool-driver.ts";
import type { Deps } from "../deps.ts";

/** Undefined: the pool does not say, which is logged as `event`, or there is none. */
export async function glimpse(
  { log, pools }: Deps,
  { id, pool }: Worker,
  event: string,
): Promise<ContainerState | undefined> {
  try {
    return await pools.get(pool)?.driver.inspect(id);
  } catch (error) {
    log.warn(event, { worker: id, pool, error });
    return undefined;
  }
}
