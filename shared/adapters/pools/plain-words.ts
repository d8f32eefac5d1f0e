// A pool's words as people may read them: what a driver, an engine or a container says is scrubbed as the log is.
import type { ContainerState, PoolDriver, StartOutcome } from "../../ports/pool-driver.ts";
import { scrub } from "../log/scrub.ts";

/** The same driver. Its outcomes, reasons and log lines end in a job's status, where no secret may stand. */
export function withPlainWords(driver: PoolDriver): PoolDriver {
  return {
    ...driver,
    start: async (spec) => cleanOutcome(await driver.start(spec)),
    inspect: async (workerId) => cleanState(await driver.inspect(workerId)),
    logsTail: async (workerId, lines) => (await driver.logsTail(workerId, lines)).map((line) => scrub(line)),
  };
}

function cleanOutcome(outcome: StartOutcome): StartOutcome {
  return outcome.type === "started" ? outcome : { ...outcome, message: scrub(outcome.message) };
}

/** Not its result: that is the worker's own word, in its own form. */
function cleanState(state: ContainerState): ContainerState {
  if (state.type === "running" && state.waits !== undefined) return { ...state, waits: scrub(state.waits) };
  if (state.type === "exited" && state.reason !== undefined) return { ...state, reason: scrub(state.reason) };
  return state;
}
