// What an engine says of a container, in the few words that matter here.
import * as z from "zod/mini";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Engine } from "./engine/engine.ts";
import { readAnswer } from "./engine/engine-answer.ts";
import { isOwn, type LabelMap, type Owner, ownFilter, workerIn } from "./labels.ts";

/** `made`: created, its program not started. `leaving`: its removal is under way. */
type Phase = "made" | "running" | "paused" | "ended" | "leaving";

export type Container = {
  readonly phase: Phase;
  readonly labels: LabelMap;
  readonly exitCode: number | undefined;
  readonly outOfMemory: boolean;
  /** The engine's own words when it could not start or keep it; else empty. */
  readonly error: string;
  /** Undefined before the end. Epoch ms, on the engine's clock. */
  readonly endedAt: number | undefined;
};
export type ListedContainer = Pick<Container, "phase" | "labels"> & { readonly workerId: WorkerId };

/** Undefined when there is none of this name, or one that is not this pool's. */
export async function lookAt(
  engine: Engine,
  name: string,
  owner: Owner,
): Promise<Container | "foreign" | undefined> {
  const answer = await engine.call({ method: "GET", path: `/containers/${name}/json` });
  if (answer.status === 404) return undefined;
  const { State, Config } = readAnswer(inspected, answer, `looking at the container ${name}`);
  const labels = Config.Labels ?? {};
  if (!isOwn(labels, owner)) return "foreign";
  const phase = phaseOf(State.Status);
  const exitCode = phase === "ended" ? State.ExitCode : undefined;
  const endedAt = phase === "ended" ? timeOf(State.FinishedAt) : undefined;
  return {
    phase,
    labels,
    exitCode,
    endedAt,
    outOfMemory: State.OOMKilled ?? false,
    error: State.Error ?? "",
  };
}

/** Ours, ended ones too. */
export async function listContainers(engine: Engine, owner: Owner): Promise<ListedContainer[]> {
  const query = { all: "1", filters: JSON.stringify(ownFilter(owner)) };
  const call = { method: "GET", path: "/containers/json", query } as const;
  let answer = await engine.call(call);
  // Podman 4 fails when one of them is removed while it lists: "no such container".
  if (answer.status !== 200) answer = await engine.call(call);
  return readAnswer(listed, answer, `listing the containers of ${owner.pool}`).flatMap(
    ({ State, Labels }) => {
      const labels = Labels ?? {};
      const workerId = workerIn(labels);
      return workerId === undefined ? [] : [{ workerId, labels, phase: phaseOf(State) }];
    },
  );
}

const labels = z.optional(z.nullable(z.record(z.string(), z.string())));

const inspected = z.object({
  State: z.object({
    Status: z.string(),
    ExitCode: z.optional(z.number()),
    OOMKilled: z.optional(z.boolean()),
    Error: z.optional(z.string()),
    FinishedAt: z.optional(z.string()),
  }),
  Config: z.object({ Labels: labels }),
});

const listed = z.array(z.object({ State: z.string(), Labels: labels }));

function timeOf(text = ""): number | undefined {
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** Docker's words, and Podman's where they differ. */
const PHASES: { readonly [status: string]: Phase } = {
  created: "made",
  configured: "made",
  initialized: "made",
  running: "running",
  restarting: "running",
  stopping: "running",
  paused: "paused",
  exited: "ended",
  stopped: "ended",
  dead: "ended",
  removing: "leaving",
};

/** A word of a later engine: as long as it is there it may run. */
function phaseOf(status: string): Phase {
  return PHASES[status.toLowerCase()] ?? "running";
}
