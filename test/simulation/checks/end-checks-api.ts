// When all is over, of the API's jobs: none is lost, each result is its program's own, and each callback has been made.
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { SimClient } from "../outside/sim-client.ts";
import type { ProgramOutput } from "../outside/sim-program.ts";
import type { World } from "../world.ts";

/** Three tries of each life. */
const MAX_TRIES = 3;

export function checkAsks(world: World): void {
  for (const client of world.clients.all) {
    const job = client.id === undefined ? undefined : world.table.all.jobs.get(client.id);
    const { name } = client.ask;
    if (client.id !== undefined && job === undefined)
      world.watch.broken("job-lost", `${client.id} (${name}) is unknown`);
    if (job !== undefined) checkAsk(world, client, job);
  }
  const asked = world.clients.all.map(({ id }) => id);
  for (const job of world.table.all.jobs.values()) {
    if (job.api !== undefined && !asked.includes(job.id))
      world.watch.broken("asked-twice", `${job.id} is nobody's: its client was told of another`);
  }
}

function checkAsk(world: World, client: SimClient, job: Job): void {
  const name = `${job.id} (${client.ask.name})`;
  if (!isTerminal(job)) {
    const held = job.hold === undefined ? "" : `, held for ${job.hold.reason}`;
    world.watch.broken("job-lost", `${name} is ${job.state} on ${job.workerId ?? "nobody"}${held}`);
    return;
  }
  checkResult(world, client, job);
  checkCallback(world, client, job);
}

function checkResult({ watch, table }: World, { ask, step }: SimClient, job: Job): void {
  const { api, state } = job;
  if (api === undefined) return;
  const heard = watch.heardOf({ job: job.id, retries: api.retries });
  if (heard !== undefined && heard !== state)
    watch.broken("wrong-result", `${job.id} is ${state}, and its program was told that it is ${heard}`);
  if (state !== "COMPLETED") return;
  if (ask.asked === "steps") {
    if (step === undefined || step.ranOn.length === 0)
      watch.broken("wrong-result", `${job.id} is COMPLETED, and its runner ran nothing`);
    return;
  }
  const json = api.output === undefined ? undefined : table.api.payloads.get(api.output);
  const { name, retries } = JSON.parse(json ?? "{}") as Partial<ProgramOutput>;
  if (name !== ask.name || retries !== api.retries)
    watch.broken("wrong-result", `${job.id} has the result ${json}, which is not its own`);
}

function checkCallback({ watch, clients, weather }: World, { ask }: SimClient, job: Job): void {
  if (!ask.hasCallback) return;
  const { taken, refused } = clients.callbacksOf(job.id);
  const lives = 1 + (job.api?.retries ?? 0);
  if (taken.length > MAX_TRIES * lives)
    watch.broken("callback-wrong", `${job.id} was told of ${taken.length} times in ${lives} lives`);
  const endedAt = watch.times.of(job.id).endedAt ?? 0;
  const isTold = taken.some(({ status, at }) => status === job.state && at >= endedAt - SKEW_MS);
  const hasEnded = ["crash", "outage", "store-lost-answer", "store-fault", "store-slow"] as const;
  const mayMiss = refused > 0 || hasEnded.some((kind) => weather.struck.has(kind));
  const isGivenUp = job.api?.callback?.tries === MAX_TRIES && mayMiss;
  if (!isTold && !isGivenUp)
    watch.broken(
      "callback-wrong",
      `nobody was told that ${job.id} is ${job.state} (${job.api?.callback?.tries} tries)`,
    );
}

/** Clocks of two processes differ by no more. */
const SKEW_MS = 5_000;
