// One bounded pass over what is due: with every event lost it reaches the same end, only slower.
import { ORPHAN_LOOK_MS, RECONCILE_WORK_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { ApiDeps } from "../client-plane/api-deps.ts";
import { sendCallback } from "../client-plane/send-callback.ts";
import { dispatchPool } from "../dispatch/dispatch-pool.ts";
import { drainPaused } from "../operator-plane/drain-idle.ts";
import { lookAtDue } from "./due-items.ts";
import { noticeEnded } from "./ended-containers.ts";
import { githubLooks } from "./github-looks.ts";
import { findOrphanContainers } from "./orphan-containers.ts";
import type { PassTurn } from "./pass/pass-lock.ts";
import { takeTurn } from "./pass/pass-lock.ts";
import { followSetBack } from "./pass/set-back.ts";
import type { PlannedStop } from "./planned-stops.ts";
import { performStops } from "./planned-stops.ts";
import { repairLedger } from "./repair-ledger.ts";
import { sweep } from "./sweep.ts";

export type Reconciled = {
  /** Due items looked at. */
  readonly looked: number;
  readonly failed: number;
  /** Another pass was under way: this one did nothing. */
  readonly skipped?: true;
};

export type ReconcileOptions = {
  /** Looks that far ahead too, after a restart of the only process: what a pass left half done is nobody's now. */
  readonly aheadMs?: number;
  /** No other process can be in a pass: the lock of one is left from before. */
  readonly alone?: boolean;
};

/**
 * A pass, then a sweep, and all that they have set in motion: for a process that ends or stands still behind it. A part
 * that fails does not stop the rest; the whole then fails visibly, after it has done what it could.
 */
export async function reconcile(deps: ApiDeps, options: ReconcileOptions = {}): Promise<Reconciled> {
  const startedAt: EpochMs = deps.clock.now();
  const faults: unknown[] = [];
  const keep = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (fault) {
      faults.push(...(fault instanceof AggregateError ? fault.errors : [fault]));
      return undefined;
    }
  };
  const passed = await keep(passDue(deps, options));
  if (passed?.skipped) return passed;
  await keep(sweep(deps, { alone: options.alone ?? false, startedAt }));
  await githubLooks(deps).idle();
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} parts of the pass failed`);
  return passed ?? { looked: 0, failed: 0 };
}

/** What is due, by the store and the pools. GitHub is asked in single calls only, for workers that are released or idle. */
export async function passDue(
  deps: ApiDeps,
  { aheadMs = 0, alone = false }: ReconcileOptions = {},
): Promise<Reconciled> {
  const turn = await takeTurn(deps, { breaks: alone });
  if (turn === undefined) return { looked: 0, failed: 0, skipped: true };
  const faults: unknown[] = [];
  if (turn.setBackMs > 0) faults.push(...(await faultsOf([followSetBack(deps, turn.setBackMs)])));
  const looked = await pass(deps, turn, { aheadMs, alone, faults });
  faults.push(...(await faultsOf([turn.end()])));
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} parts of the pass failed`);
  return { looked, failed: 0 };
}

type Course = Required<ReconcileOptions> & { readonly faults: unknown[] };

/** `faults` takes up what failed. What is found to be stopped is stopped together: the brakes look at all of it. */
async function pass(deps: ApiDeps, turn: PassTurn, { aheadMs, faults }: Course): Promise<number> {
  const pools = [...deps.pools.keys()];
  const stops: PlannedStop[] = [];
  const ended: Job[] = [];
  const isLate = () => deps.clock.now() - turn.startedAt > RECONCILE_WORK_MS;
  const all = async (work: Promise<unknown>[]) => faults.push(...(await faultsOf(work)));
  let looked = 0;

  await all([
    lookAtDue(deps, { aheadMs, isLate, ended, stops, faults, looks: githubLooks(deps) }).then((count) => {
      looked = count;
    }),
  ]);
  await all(pools.map((name) => repairLedger(deps, name)));
  await all(pools.map((name) => noticeEnded(deps, name, stops)));
  if (turn.isFirstIn(ORPHAN_LOOK_MS)) {
    await all(pools.map((name) => findOrphanContainers(deps, name, stops)));
  }
  await all([performStops(deps, stops)]);
  await all([drainPaused(deps)]);
  await all(pools.map((name) => dispatchPool(deps, name)));
  // All at once beside the rest: a receiver that does not answer takes its 10 s, and keeps nothing else waiting.
  const callbacks = all(ended.map((job) => sendCallback(deps, job)));
  await callbacks;
  return looked;
}

async function faultsOf(work: readonly Promise<unknown>[]): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(work);
  return outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
}
