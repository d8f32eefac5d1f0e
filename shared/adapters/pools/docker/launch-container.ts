// Creates and starts the container of a worker: once, whoever asks and however often.
//
// Its name is the worker's id, and the engine gives a name to one container only. Who created it starts it. An engine
// would start an ended container again (Docker and Podman alike), so everybody else looks first, and starts only what
// was left behind unstarted by a dispatcher that ended in between.
import { setTimeout as sleep } from "node:timers/promises";
import type { StartOutcome, StartSpec } from "../../../ports/pool-driver.ts";
import { type Container, lookAt } from "./container-facts.ts";
import type { Engine } from "./engine/engine.ts";
import { type EngineAnswer, isNameTaken, wordsOf } from "./engine/engine-answer.ts";
import { EngineFault } from "./engine/engine-fault.ts";
import type { Owner } from "./labels.ts";
import {
  creationRefused,
  madeNothing,
  type NotStarted,
  refusal,
  unavailable,
  unreachable,
} from "./start-failure.ts";

export type LaunchDeps = {
  readonly engine: Engine;
  readonly owner: Owner;
  /** Starts what must run beside the worker before it runs; idempotent. */
  readonly beside?: (() => Promise<StartOutcome>) | undefined;
};

/** From the creation to the start takes another dispatcher 0.1 s, with a busy disk some seconds. */
const OTHER_STARTER_MS = 2_000;
const RETRY_MS = 1_000;

/** `body`: of the creation. Throws an EngineFault when the engine does not answer. */
export async function launchContainer(
  spec: StartSpec,
  body: unknown,
  deps: LaunchDeps,
): Promise<StartOutcome | { readonly type: "no-image" }> {
  const { engine } = deps;
  const answer = await create(spec, body, engine);
  if ("type" in answer) return answer;
  if (answer.status === 201) return await run(spec, deps);
  if (isNameTaken(answer)) return await join(spec, deps);
  if (isNoImage(answer)) return { type: "no-image" };
  return creationRefused(answer, `create the container of ${spec.workerId}`, engine.url);
}

async function create(
  { workerId }: StartSpec,
  json: unknown,
  engine: Engine,
): Promise<EngineAnswer | NotStarted> {
  try {
    const query = { name: workerId };
    return await engine.call({ method: "POST", path: "/containers/create", query, json });
  } catch (error) {
    if (!(error instanceof EngineFault) || !error.isUnheard) throw error;
    return madeNothing(unreachable(error));
  }
}

async function run({ workerId }: StartSpec, { engine, beside }: LaunchDeps): Promise<StartOutcome> {
  const ready = await beside?.();
  if (ready !== undefined && ready.type !== "started") return ready;
  const answer = await engine.call({ method: "POST", path: `/containers/${workerId}/start` });
  // 304: it runs already.
  if (answer.status === 204 || answer.status === 304) return { type: "started" };
  if (answer.status === 404) return removedMeanwhile(workerId);
  return refusal(answer, `start the container of ${workerId}`, engine.url);
}

/** The name is taken: what came of the start that took it. */
async function join(spec: StartSpec, deps: LaunchDeps): Promise<StartOutcome> {
  const { engine, owner } = deps;
  const { workerId } = spec;
  const deadline = performance.now() + OTHER_STARTER_MS;
  for (;;) {
    const found = await lookAt(engine, workerId, owner);
    const settled = outcomeOf(found, workerId, engine.url);
    if (settled !== undefined) return settled;
    if (performance.now() > deadline) {
      return found === undefined ? removedMeanwhile(workerId) : await run(spec, deps);
    }
    await sleep(50);
  }
}

/** Undefined while another start is at it. Docker reserves the name some 20 ms before it shows the container. */
function outcomeOf(
  found: Container | "foreign" | undefined,
  workerId: string,
  url: string,
): StartOutcome | undefined {
  if (found === "foreign") {
    const message = `the engine at ${url} has a container ${workerId} that this pool did not make; remove or rename it`;
    return { type: "refused", message };
  }
  if (found === undefined || found.phase === "made") return undefined;
  return found.phase === "leaving" ? removedMeanwhile(workerId) : { type: "started" };
}

function removedMeanwhile(workerId: string): StartOutcome {
  return unavailable(`the container of ${workerId} was removed while it was started`, RETRY_MS);
}

function isNoImage(answer: EngineAnswer): boolean {
  return answer.status === 404 && /no such image|image not known/i.test(wordsOf(answer));
}
