// The stops that a pass has found due, all together: performed, or halted by the brakes.

import type { PoolName, WorkerId } from "../../domain/ids.ts";
import type { BrakesDecision } from "../../domain/upkeep/brakes.ts";
import { decideBrakes } from "../../domain/upkeep/brakes.ts";
import type { Deps } from "../deps.ts";
import { remember } from "./pass/remember.ts";

/** Takes a container down though its worker did not ask for it. */
export type PlannedStop = {
  readonly worker: WorkerId;
  readonly pool: PoolName;
  /** For the log: why. */
  readonly reason: string;
  /** Looks again before it acts: some time may have gone by. */
  run(): Promise<void>;
  /** The brakes hold it back: it is to be looked at again after BRAKES_RECHECK_MS. */
  halted(): Promise<void>;
};

const RECENT = "stops";
const HALTED = "halted stops";
const NAMES_SHOWN = 10;

/** Throws when the brakes halt, after what may go was done; a stop that fails does not stop the others. */
export async function performStops(deps: Deps, stops: readonly PlannedStop[]): Promise<void> {
  if (stops.length === 0) return;
  const decision = await decide(deps, stops);
  const of = (names: readonly string[]) => stops.filter(({ worker }) => names.includes(worker));
  if (decision.letGo.length > 0) {
    deps.log.warn("brakes-let-go", {
      count: decision.letGo.length,
      message: `seen so for 30 minutes, now taken for true: ${shown(of(decision.letGo))}`,
    });
  }
  const work = [
    ...of(decision.go).map((stop) => stop.run()),
    ...of(decision.halt).map((stop) => stop.halted()),
  ];
  const faults = (await Promise.allSettled(work)).flatMap((one) =>
    one.status === "rejected" ? [one.reason] : [],
  );
  if (decision.halt.length > 0) faults.push(alarm(deps, of(decision.halt)));
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} of ${stops.length} stops failed`);
}

/** Written before anything is stopped: a crash in the middle must not give the next pass a fresh count. */
async function decide(deps: Deps, stops: readonly PlannedStop[]): Promise<BrakesDecision> {
  const { marks, workers } = deps.stores;
  const live = await Promise.all([...deps.pools.keys()].map((name) => workers.liveIds(name)));
  const [recent, halted] = [await marks.get("sightings", RECENT), await marks.get("sightings", HALTED)];
  const view = {
    planned: stops.map(({ worker }) => worker),
    live: live.flat(),
    recent: recent?.value.seen ?? {},
    halted: halted?.value.seen ?? {},
  };
  const decision = decideBrakes(view, deps.clock.now());
  await remember(deps, RECENT, recent, decision.recent);
  await remember(deps, HALTED, halted, decision.halted);
  return decision;
}

function alarm(deps: Deps, stops: readonly PlannedStop[]): Error {
  const message =
    `would have stopped at once: ${shown(stops)}. None of them was. Does each pool's driver look at the right place ` +
    "(kubeconfig, namespace, host), and does GitHub answer? Once it is mended the workers go on; " +
    "if they are really gone do nothing: what is seen so for 30 minutes is let go";
  deps.log.error("brakes", { count: stops.length, message });
  return new Error(`the brakes halted ${stops.length} stops: ${message}`);
}

function shown(stops: readonly PlannedStop[]): string {
  const names = stops
    .slice(0, NAMES_SHOWN)
    .map(({ worker, pool, reason }) => `${worker} in ${pool} (${reason})`);
  const rest = stops.length - names.length;
  return `${stops.length} workers: ${names.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
