// A container with a program of the user's, as RunPod's SDK runs it: it asks for a job, pings, returns the result, asks
// again.
import { REPORT_RETRY_MS } from "../../../shared/domain/deadlines.ts";
import type { JobId } from "../../../shared/domain/ids.ts";
import type { TakenJob } from "../../../shared/protocol/worker-plane.ts";
import type { Deps } from "../../../shared/usecases/deps.ts";
import { giveJob } from "../../../shared/usecases/worker-plane/give-job.ts";
import { receiveResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import type { Watch } from "../checks/watch.ts";
import type { Draw } from "../engine/draw.ts";
import { createLine } from "../engine/line.ts";
import type { Timeline } from "../engine/timeline.ts";
import type { Trace } from "../engine/trace.ts";
import type { Weather } from "../engine/weather.ts";
import type { Container, SimPool } from "./sim-pool.ts";
import type { SimWorker, Work } from "./sim-worker.ts";
import { claimsOf } from "./sim-worker.ts";

export type SimProgramOptions = {
  readonly container: Container;
  readonly bootMs: number;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly weather: Weather;
  readonly watch: Watch;
  readonly draw: Draw;
  readonly pool: SimPool;
  /** All programs ask at the same instants. */
  readonly inChorus: boolean;
  readonly call: <T>(useCase: (deps: Deps) => Promise<T>) => Promise<T>;
};

/** What the client's input says of the job that it asks for. */
export type ProgramInput = { readonly name: string; readonly runMs: number; readonly fails: boolean };
/** What the program answers, so that a result tells of which life of which job it is. */
export type ProgramOutput = { readonly name: string; readonly retries: number };

const SECOND = 1_000;
/** RunPod's SDK pings every 10 s: seldom enough here. */
const PING_MS = 45 * SECOND;
/** After a 429 it waits for 5 s: as seldom as a ping here. */
const ASK_MS = 10 * SECOND;
/** Between two instants at which those ask that ask at the same ones. */
const CHORUS_MS = 5 * SECOND;
/** The SDK names no boot. */
const BOOT = "sdk";

export function createSimProgram(options: SimProgramOptions): SimWorker {
  const { container, bootMs, timeline, trace, weather, watch, draw, pool, inChorus, call } = options;
  const { id } = container;
  const claims = claimsOf(container);
  const line = createLine({ timeline, draw, call, isOver });
  const { ask, askUntil, pause } = line;
  let work: Work | undefined;
  let step: SimWorker["step"] = "booting";
  let isWedged = false;
  void pause(bootMs).then(boot);
  return {
    container,
    get step() {
      return step;
    },
    get isWedged() {
      return isWedged;
    },
    hasRunner: false,
    get work() {
      return isWedged ? undefined : work;
    },
    wedge() {
      isWedged = true;
    },
    cutOff: line.cutOff,
    die: () => watch.programEnded(container),
  };

  async function boot(): Promise<void> {
    if (weather.strikes("dead-card", id)) {
      await ask((deps) => recordPing(deps, id, { ...NO_PHASE, unhealthy: "card 0 is not healthy" }, claims));
      return pool.exit(container, 1);
    }
    step = "listening";
    beat();
    for (;;) await takeOne();
  }

  /** It asks until its container is ended: the SDK knows of no other end. */
  async function takeOne(): Promise<void> {
    if (inChorus) await pause(CHORUS_MS - (timeline.now() % CHORUS_MS));
    const take = () => ask((deps) => giveJob(deps, id, { bootId: BOOT, inProgress: false }));
    // A proxy repeats the call: one of the two answers is heard.
    const [heard] = weather.strikes("take-twice", id) ? await Promise.all([take(), take()]) : [await take()];
    if (heard?.answer.type !== "given") return pause(draw.between(ASK_MS, 4 * ASK_MS));
    const { jobId, job } = heard.answer;
    await workOn(jobId, job);
  }

  async function workOn(jobId: JobId, { input, retries = 0 }: TakenJob): Promise<void> {
    const { name, runMs, fails } = input as ProgramInput;
    work = { job: jobId, retries };
    step = "running";
    watch.programBegan(container, work);
    trace.note("program", "begins", id, `${jobId} ${name}`);
    await pause(draw.between(100, SECOND));
    await ping();
    await pause(runMs);
    const output: ProgramOutput = { name, retries };
    const body = fails ? { error: `${name} failed` } : { output };
    const heard = await askUntil(REPORT_RETRY_MS, (deps) => receiveResult(deps, id, jobId, body));
    trace.note("program", heard ?? "unheard", id, jobId);
    if (heard === "heard") watch.programHeard(work, fails ? "FAILED" : "COMPLETED");
    watch.programEnded(container);
    work = undefined;
    step = "listening";
    await pause(draw.between(100, SECOND));
  }

  function beat(): void {
    timeline.after(PING_MS, () => {
      if (isOver()) return;
      void ping();
      beat();
    });
  }

  async function ping(): Promise<void> {
    const jobIds = work === undefined ? [] : [work.job];
    await ask((deps) => recordPing(deps, id, { ...NO_PHASE, jobIds }, claims));
  }

  function isOver(): boolean {
    return isWedged || container.state !== "alive";
  }
}

const NO_PHASE = { phase: undefined, jobName: undefined };
