// Webhooks that did not reach us: asks GitHub to deliver again what its log shows no answered try of.
//
// The log is read from the newest try down to the watermark. After a long outage that is too much for one pass: the newest
// part comes first, since people wait for it and later words of a job make its earlier ones needless, and the gap below is
// worked off from pass to pass. Until a stretch of it is done the log above is read whole, so that the outcome of every try
// that was asked for is seen.
import type { Asked, DeliveryState, DeliveryTry, LogStretch } from "../../domain/upkeep/lost-deliveries.ts";
import {
  advance,
  askableAt,
  findLost,
  MAX_ASKS,
  stillAsked,
  withAsked,
  withGivenUp,
} from "../../domain/upkeep/lost-deliveries.ts";
import { GithubError } from "../../ports/github.ts";
import type { Deps } from "../deps.ts";
import { loadDeliveryMarks, putOffLook, saveDeliveryMarks } from "./delivery-marks.ts";

/**
 * 5,000 tries, some 15 s: what 5 minutes bring when an owner registers runners as fast as GitHub allows, 1,500 in that
 * time.
 */
const NEWEST_PAGES = 50;
/** A stretch of the gap: it is read again in each pass until all of it has arrived. */
const GAP_PAGES = 2;
/** A minute: half of the 80 writes that GitHub allows, which leaves the rest for registrations. */
const ASKS = 40;
/** A delivery that GitHub held back is out of its place in the log by minutes. */
const DISORDER_MS = 300_000;

type RecoverDeps = Pick<Deps, "clock" | "log" | "github"> & {
  readonly stores: Pick<Deps["stores"], "marks">;
};

/**
 * One bounded pass: at most NEWEST_PAGES + GAP_PAGES + ASKS calls, all as the App; none before it is time to look again.
 * When GitHub cannot be asked it warns and the next pass goes on: what was asked for until then is remembered. Two passes
 * at once ask for some events twice, which is harmless. `atOnce`: nobody has listened until now, so it is time.
 */
export async function recoverDeliveries(deps: RecoverDeps, { atOnce = false } = {}): Promise<void> {
  const marks = await loadDeliveryMarks(deps, { atOnce });
  if (marks === undefined) return;
  const { state } = marks;
  let retryAfterMs: number | undefined;
  const log = await unlessGithubFails(
    deps,
    () => readLog(deps, state),
    (fault) => {
      retryAfterMs = fault.retryAfterMs;
    },
  );
  if (log === undefined) return putOffLook(deps, marks, retryAfterMs);
  const tries = [...log.newest.tries, ...(log.older?.tries ?? [])];
  const lost = findLost(tries, state.asked, deps.clock.now());
  let asked = giveUp(deps, lost.giveUp, stillAsked(state.asked, tries));
  for (const one of lost.ask.slice(0, ASKS)) {
    const answer = await unlessGithubFails(deps, () => redeliver(deps, one));
    if (answer === undefined) break;
    asked = answer === "asked" ? withAsked(asked, one.guid, deps.clock.now()) : giveUp(deps, [one], asked);
  }
  const next = advance(state, log, lost.open, deps.clock.now());
  if (lost.open.length > 0) {
    const message = `GitHub is asked to deliver again what did not arrive since ${new Date(next.since).toISOString()}`;
    deps.log.info("deliveries-lost", { count: lost.open.length, message });
  }
  await saveDeliveryMarks(
    deps,
    marks,
    { ...next, asked },
    lookAt({ ...next, asked }, lost.open, deps.clock.now()),
  );
}

/** With the next pass while there is a gap to work off; else when the next event can be asked for. */
function lookAt({ gap, asked }: DeliveryState, open: readonly DeliveryTry[], now: number): number {
  if (gap !== undefined) return 0;
  return Math.min(...open.map((one) => askableAt(asked, one, now)));
}

type LogParts = { readonly newest: LogStretch; readonly older: LogStretch | undefined };

async function readLog(deps: RecoverDeps, { since, gap }: DeliveryState): Promise<LogParts> {
  const downTo = gap?.above ?? since;
  const newest = await readStretch(deps, undefined, downTo, NEWEST_PAGES);
  // Too long for one pass: the rest is left to the gap, and so is most of this, which would have to be read in each pass.
  if (newest.next !== undefined)
    return { newest: await readStretch(deps, undefined, downTo, GAP_PAGES), older: undefined };
  if (gap === undefined) return { newest, older: undefined };
  return { newest, older: await readStretch(deps, gap.cursor, since, GAP_PAGES) };
}

async function readStretch(
  { github }: RecoverDeps,
  from: string | undefined,
  downTo: number,
  pages: number,
): Promise<LogStretch> {
  const tries: DeliveryTry[] = [];
  let next = from;
  for (let page = 0; page < pages; page++) {
    const read = await github.deliveries(next);
    tries.push(...read.deliveries.filter(({ deliveredAt }) => deliveredAt >= downTo));
    const last = read.deliveries.at(-1)?.deliveredAt ?? 0;
    if (read.next === undefined || last < downTo - DISORDER_MS) return { tries, next: undefined };
    next = read.next;
  }
  return { tries, next };
}

/** `forgotten`: GitHub's log no longer has it, or it cannot be delivered any more. */
async function redeliver({ github }: RecoverDeps, { id }: DeliveryTry): Promise<"asked" | "forgotten"> {
  try {
    await github.redeliver(id);
    return "asked";
  } catch (error) {
    const isForgotten =
      error instanceof GithubError && (error.fault === "not-found" || error.fault === "invalid");
    if (isForgotten) return "forgotten";
    throw error;
  }
}

/** Said once, as a given-up event is remembered until the watermark has passed it. */
function giveUp({ log, clock }: RecoverDeps, tries: readonly DeliveryTry[], asked: Asked): Asked {
  let next = asked;
  for (const { guid, id, event, deliveredAt } of tries) {
    log.error("delivery-given-up", {
      delivery: guid,
      message: `GitHub's ${event} delivery ${guid} (try ${id}, ${new Date(deliveredAt).toISOString()}) was not answered with 2xx, nor were up to ${MAX_ASKS} redeliveries. See what the webhook answered on the App's page under Advanced, Recent Deliveries, put that right and press Redeliver there; jobs that wait are also found without it.`,
    });
    next = withGivenUp(next, guid, clock.now());
  }
  return next;
}

async function unlessGithubFails<T>(
  { log }: RecoverDeps,
  call: () => Promise<T>,
  onFault: (fault: GithubError) => void = () => undefined,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    log.warn("deliveries-not-recovered", { message: error.message, error });
    onFault(error);
    return undefined;
  }
}
