// How many workers an endpoint has running, about: its rate limits grow with them.
import type { Endpoint } from "../../domain/admission/endpoint.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import type { Deps } from "../deps.ts";
import { endpointNamed } from "./api-deps.ts";
import { shareAnswer } from "./shared-answer.ts";

/**
 * One per process. Answers 0 for an endpoint that there is not, without a look at the store. Whoever is above a limit asks
 * again and again: the workers are listed once in a while all the same.
 */
export function createRunningWorkers(deps: Deps): (endpoint: string) => Promise<number> {
  const count = shareAnswer(deps.clock, (endpoint) => countOf(deps, endpoint));
  return async function runningWorkers(name) {
    const endpoint = endpointNamed(deps, name);
    return endpoint === undefined ? 0 : count(endpoint);
  };
}

async function countOf(deps: Deps, { pool, name }: Endpoint): Promise<number> {
  const live = await deps.stores.workers.live(pool);
  return live.filter(({ endpoint, state }) => endpoint === name && UP.has(state)).length;
}

/** Its container is up and has, or will have, a job. */
const UP: ReadonlySet<Worker["state"]> = new Set(["booted", "listening", "running"]);
