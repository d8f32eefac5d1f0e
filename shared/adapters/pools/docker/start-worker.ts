// Starts a worker, its image pulled first where it is missing.
//
// A pull takes minutes, a start must not: after some seconds the worker counts as started and waits for its image as it
// would on a cluster, within its boot limit. `unavailable` would hold up every other job of the pool instead.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../../domain/ids.ts";
import type { StartOutcome, StartSpec } from "../../../ports/pool-driver.ts";
import { lookAt } from "./container-facts.ts";
import { missingImages, pullAll } from "./images/missing-images.ts";
import type { Pulls } from "./images/pull-image.ts";
import { type Launch, type PrepareDeps, prepareLaunch, refused, runPulled } from "./prepare-launch.ts";
import { madeNothing, type NotStarted, unreachable } from "./start-failure.ts";
import type { WaitingWorkers } from "./waiting-workers.ts";

export type StartDeps = PrepareDeps & {
  readonly pulls: Pulls;
  readonly waiting: WaitingWorkers;
  /** How long a start waits for a pull. */
  readonly patienceMs: number;
};

export async function startWorker(spec: StartSpec, deps: StartDeps): Promise<StartOutcome> {
  const { workerId } = spec;
  if (deps.waiting.stateOf(workerId) !== undefined) return { type: "started" };
  const launch = await beforeAny(() => prepareLaunch(spec, deps));
  if ("type" in launch) return launch;
  const mode = await beforeAny(async () => ({ pulls: await pullsFirst(workerId, deps) }));
  if ("type" in mode) return mode;
  try {
    const launched = mode.pulls ? NO_IMAGE : await launch.run();
    if (launched.type !== "no-image") return launched;
    const pulled = await beforeAny(() => pull(workerId, launch, deps));
    return pulled.type === "pulled" ? await runPulled(launch) : pulled;
  } catch (error) {
    return unreachable(error);
  }
}

/** Nothing has been made yet: whatever keeps it from going on leaves nothing behind. */
async function beforeAny<T extends object>(act: () => Promise<T>): Promise<T | NotStarted> {
  try {
    return await act();
  } catch (error) {
    return madeNothing(unreachable(error));
  }
}

const NO_IMAGE = { type: "no-image" } as const;

/** Not for a container that an earlier try has made. */
async function pullsFirst(workerId: WorkerId, { settings, engine, owner }: StartDeps): Promise<boolean> {
  return settings.pullPolicy === "always" && (await lookAt(engine, workerId, owner)) === undefined;
}

async function pull(
  workerId: WorkerId,
  launch: Launch,
  deps: StartDeps,
): Promise<{ readonly type: "pulled" } | StartOutcome> {
  const { pullPolicy } = deps.settings;
  const images = pullPolicy === "always" ? launch.images : await missingImages(launch.images, deps.engine);
  if (pullPolicy === "never") {
    const names = images.join(" and ");
    return refused(
      `image ${names} is not on the host, and the pool's pullPolicy is never: run docker pull ${names} there`,
    );
  }
  const under = pullAll(images, deps.pulls);
  const patience = new AbortController();
  const late = sleep(deps.patienceMs, undefined, { signal: patience.signal }).catch(() => undefined);
  const pulled = await Promise.race([under.ended, late]);
  patience.abort();
  if (pulled === undefined) {
    deps.waiting.add(workerId, launch, under);
    return { type: "started" };
  }
  return pulled.type === "pulled" ? pulled : madeNothing(pulled);
}
