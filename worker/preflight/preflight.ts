// Is the hardware here and healthy? Asked in the worker's own container before a runner registers, every step bounded.
import type { WorkerClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import type { RunProgram } from "../process/run-program.ts";
import { type CardKind, type GivenCards, givenCards, isSome } from "./given-cards.ts";
import { checkDevices, type Sight, seeDevices } from "./look-at-devices.ts";
import { fail, type PreflightResult, readUntilDrained, readUntilWell } from "./preflight-verdict.ts";
import { readGpus } from "./read-gpus.ts";
import { readNpus } from "./read-npus.ts";

export type PreflightDeps = {
  readonly env: Environment;
  readonly clock: WorkerClock;
  readonly run: RunProgram;
  /** `/dev`, but in tests. */
  readonly deviceDir: string;
};

/** `cards` is what the job was promised; 0 checks nothing. */
export async function runPreflight(
  deps: PreflightDeps,
  cards: number,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  if (cards === 0) return { ok: true };
  const { env, clock, deviceDir } = deps;
  const given = givenCards(env, cardKind(env), cards);
  const present = await checkPresence(deps, given);
  if (!present.ok) return present;
  const sight = await seeDevices(deviceDir, given);
  return await readUntilWell(clock, () => readCards(deps, given, sight, signal), signal);
}

/** After a job: in a sentence what it left on its cards; undefined: nothing, or there was no time to look. */
export async function findResidue(
  deps: PreflightDeps,
  cards: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (cards === 0 || signal.aborted) return undefined;
  const given = givenCards(deps.env, cardKind(deps.env), cards);
  const sight = await seeDevices(deps.deviceDir, given);
  const result = await readUntilDrained(deps.clock, () => readCards(deps, given, sight, signal), signal);
  if (result.ok || signal.aborted) return undefined;
  return `After it the cards were not as before: ${result.code}: ${result.message}`;
}

/** Which hardware the pool put into this environment; NPUs when nothing says otherwise. */
export function cardKind(env: Environment): CardKind {
  if (env["NPU_DISPATCH_SIMULATED_CARDS"] !== undefined) return "simulated";
  if (isSome(env["ASCEND_VISIBLE_DEVICES"])) return "npu";
  return isSome(env["CUDA_VISIBLE_DEVICES"]) || isSome(env["NVIDIA_VISIBLE_DEVICES"]) ? "gpu" : "npu";
}

async function readCards(
  { run }: Pick<PreflightDeps, "run">,
  given: GivenCards,
  sight: Sight,
  signal: AbortSignal | undefined,
): Promise<PreflightResult> {
  const read = given.kind === "gpu" ? readGpus : readNpus;
  return await read(run, given, sight, signal);
}

async function checkPresence({ env, deviceDir }: PreflightDeps, given: GivenCards): Promise<PreflightResult> {
  switch (given.kind) {
    case "simulated":
      return countSimulated(env, given.count);
    case "npu":
      return await checkDevices(deviceDir, given);
    case "gpu":
      return { ok: true };
  }
}

function countSimulated(env: Environment, cards: number): PreflightResult {
  const indices = (env["NPU_DISPATCH_SIMULATED_CARDS"] ?? "")
    .split(",")
    .map((index) => index.trim())
    .filter((index) => index !== "");
  if (new Set(indices).size === cards) return { ok: true };
  const given = `NPU_DISPATCH_SIMULATED_CARDS names ${new Set(indices).size} cards`;
  return fail("E_NO_DEVICE", `${given}, the job needs ${cards}. Check the pool's settings.`);
}
