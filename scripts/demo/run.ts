// Queues the demo's workflow jobs at the GitHub stand-in, watches them to their end, and counts what is left.
import type { JobId } from "../../shared/domain/ids.ts";
import { githubJobId, poolName } from "../../shared/domain/ids.ts";
import type { Stores } from "../../shared/ports/store.ts";
import type { GithubStandIn } from "../../test/fakes/github/stand-in.ts";
import type { Seen } from "./observe.ts";
import { liveWorkers, SHOWN, sample, see } from "./observe.ts";

export const DEMO_ORG = "demo-org";
export const DEMO_POOL = poolName("demo");
const REPO = "demo-repo";

type DemoJob = { readonly id: string; readonly state: string; readonly phasesMs: Seen["phasesMs"] };

export type DemoResult = {
  readonly ok: boolean;
  readonly jobs: readonly DemoJob[];
  readonly left: { readonly workers: number; readonly runners: number; readonly cards: number };
  /** The most cards that were held at once, and how many there are. */
  readonly cards: { readonly mostHeld: number; readonly total: number };
};

export type DemoParts = {
  readonly github: GithubStandIn;
  readonly stores: Stores;
  readonly count: number;
  /** Cards of each job, in turn. */
  readonly counts: readonly number[];
  /** Worker processes that still exist. */
  readonly workerProcesses: () => Promise<number>;
  readonly print: (line: string) => void;
};

const POLL_MS = 25;
const BASE_LIMIT_MS = 60_000;
const LIMIT_PER_JOB_MS = 4_000;

export async function runDemo(parts: DemoParts): Promise<DemoResult> {
  const { github, count, counts, print } = parts;
  const started = Date.now();
  const stamp = () => `${String(Date.now() - started).padStart(6)} ms`;
  const unlisten = github.onChange((change) => {
    if (change.type === "line") print(`${stamp()}  | ${change.line}`);
  });
  const ids = Array.from({ length: count }, (_, index) => queueJob(github, index, counts));
  const labels = counts.slice(0, count).map(labelOf).join(", ");
  print(`${stamp()}  ${count} workflow job(s) queued at GitHub: runs-on ${labels}`);
  const seen = new Map<JobId, Seen>();
  const tally = { mostHeld: 0, total: 0, twice: 0 };
  const deadline = started + BASE_LIMIT_MS + count * LIMIT_PER_JOB_MS;
  for (;;) {
    for (const id of ids) await look(parts, seen, id, (text) => print(`${stamp()}  ${text}`));
    await tallyCards(parts, tally);
    const left = await leftOvers(parts);
    const ended = ids.every((id) => seen.get(id)?.job.end !== undefined);
    const clean = left.workers === 0 && left.runners === 0 && left.cards === 0;
    if ((ended && clean) || Date.now() > deadline) {
      unlisten();
      // A job's pairing with its worker may have been written after its end was seen.
      for (const id of ids) seen.set(id, (await see(parts.stores, id)) ?? (seen.get(id) as Seen));
      return resultOf(parts, { ids, seen, left, tally });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const labelOf = (cards: number) => `linux-arm64-npu-${cards}`;

function queueJob(github: GithubStandIn, index: number, counts: readonly number[]): JobId {
  const { id } = github.queueWorkflowJob({
    owner: DEMO_ORG,
    repo: REPO,
    name: index === 0 ? "npu-job" : `npu-job (${index + 1})`,
    workflowName: "Test Self Hosted Runners",
    labels: [labelOf(counts[index % counts.length] ?? 1)],
    run: ["npu-smi info"],
  });
  return githubJobId(id);
}

async function look(
  { stores }: DemoParts,
  seen: Map<JobId, Seen>,
  id: JobId,
  print: (text: string) => void,
): Promise<void> {
  const before = seen.get(id);
  if (before?.job.end !== undefined) return;
  const now = await see(stores, id);
  if (now === undefined) return;
  seen.set(id, now);
  for (const phase of SHOWN) {
    const at = now.phasesMs[phase];
    if (at === undefined || before?.phasesMs[phase] !== undefined) continue;
    const worker = phase === "starting" ? `  ${now.job.workerId ?? ""}` : "";
    print(`${id}  ${phase.padEnd(11)} +${at} ms${worker}`);
  }
  const hold = now.job.hold;
  if (hold !== undefined && before?.job.hold?.message !== hold.message) print(`${id}  held: ${hold.message}`);
  if (now.job.end !== undefined) print(`${id}  ${now.job.state}: ${now.job.end.message}`);
}

async function tallyCards({ stores }: DemoParts, tally: { mostHeld: number; total: number; twice: number }) {
  const now = await sample(stores, DEMO_POOL);
  tally.mostHeld = Math.max(tally.mostHeld, now.cardsHeld);
  tally.total = Math.max(tally.total, now.total);
  tally.twice += now.cardsTwice;
}

async function leftOvers({ github, stores, workerProcesses }: DemoParts): Promise<DemoResult["left"]> {
  const records = await liveWorkers(stores, DEMO_POOL);
  return {
    workers: Math.max(records, await workerProcesses()),
    runners: github.runners(DEMO_ORG).length,
    cards: (await sample(stores, DEMO_POOL)).cardsHeld,
  };
}

function resultOf(
  { github }: DemoParts,
  watched: {
    readonly ids: readonly JobId[];
    readonly seen: ReadonlyMap<JobId, Seen>;
    readonly left: DemoResult["left"];
    readonly tally: { readonly mostHeld: number; readonly total: number; readonly twice: number };
  },
): DemoResult {
  const { ids, seen, left, tally } = watched;
  const jobs = ids.map((id) => {
    const one = seen.get(id);
    return { id, state: one?.job.state ?? "unknown", phasesMs: one?.phasesMs ?? {} };
  });
  const succeeded = github
    .workflowJobs()
    .every((job) => job.status === "completed" && job.conclusion === "success");
  const ok =
    succeeded &&
    jobs.every((job) => job.state === "COMPLETED") &&
    Object.values(left).every((n) => n === 0) &&
    tally.mostHeld <= tally.total &&
    tally.twice === 0;
  return { ok, jobs, left, cards: { mostHeld: tally.mostHeld, total: tally.total } };
}
