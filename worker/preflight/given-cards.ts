// Which cards this worker was given, as its pool or the container's runtime wrote it into the environment. Pure.
//
// The view may be wider than what was given: a process of a `local` pool sees the whole host, and so does a privileged
// container. What is on a card of somebody else is not this worker's business.
import type { Environment } from "../config.ts";

export type CardKind = "simulated" | "npu" | "gpu";

export type GivenCards = {
  readonly kind: CardKind;
  /** What the job was promised. */
  readonly count: number;
  /** The host's numbers of them (`davinci3` is "3"), or UUIDs of GPUs; undefined: nothing says which they are. */
  readonly names: readonly string[] | undefined;
  /** Their places among the cards in sight, from 0: as CUDA and CANN read their own variables. */
  readonly places: readonly number[] | undefined;
  /** Others may use them at the same time: what is on them is no fault. */
  readonly isShared: boolean;
};

export function givenCards(env: Environment, kind: CardKind, count: number): GivenCards {
  const isShared = toldShared(env) ?? SHARED_BY.some((tells) => tells(env));
  const fits = <One>(found: readonly One[] | undefined): readonly One[] | undefined => {
    const different = [...new Set(found)];
    // Another number than promised is not about this job: an image's own setting, or shares of one card.
    return different.length === count || (isShared && different.length > 0) ? different : undefined;
  };
  return { kind, count, isShared, names: fits(namesOf(env, kind)), places: fits(placesOf(env, kind)) };
}

function namesOf(env: Environment, kind: CardKind): readonly string[] | undefined {
  switch (kind) {
    case "simulated":
      return listOf(env["NPU_DISPATCH_SIMULATED_CARDS"]);
    case "npu":
      return isVirtual(env) ? undefined : npuNumbers(env["ASCEND_VISIBLE_DEVICES"]);
    case "gpu":
      return gpuNames(env["NVIDIA_VISIBLE_DEVICES"]) ?? uuids(env["CUDA_VISIBLE_DEVICES"]);
  }
}

function placesOf(env: Environment, kind: CardKind): readonly number[] | undefined {
  if (kind === "simulated") return undefined;
  const list = listOf(env[kind === "npu" ? "ASCEND_RT_VISIBLE_DEVICES" : "CUDA_VISIBLE_DEVICES"]);
  return list.length > 0 && list.every((part) => /^\d{1,6}$/.test(part)) ? list.map(Number) : undefined;
}

/** Ascend Docker Runtime: `0,2`, `0-3`, both mixed. MindCluster's plugin also writes `Ascend910-0,Ascend910-3`. */
function npuNumbers(value: string | undefined): readonly string[] | undefined {
  const parts = listOf(value).map((part) => {
    const [, from, to] = /^(\d{1,6})-(\d{1,6})$/.exec(part) ?? [];
    if (from !== undefined && to !== undefined) return range(Number(from), Number(to));
    const number = /^(?:[A-Za-z]\w*-)?(\d{1,6})$/.exec(part)?.[1];
    return number === undefined ? [] : [String(Number(number))];
  });
  return parts.length > 0 && parts.every(({ length }) => length > 0) ? parts.flat() : undefined;
}

/** No host has more. */
const MOST_CARDS = 1_024;

function range(from: number, to: number): string[] {
  if (to < from || to - from >= MOST_CARDS) return [];
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

function gpuNames(value: string | undefined): readonly string[] | undefined {
  const list = listOf(value);
  return list.length > 0 && list.every((part) => /^\d{1,6}$/.test(part)) ? list : uuids(value);
}

function uuids(value: string | undefined): readonly string[] | undefined {
  const list = listOf(value);
  return list.length > 0 && list.every((part) => part.startsWith("GPU-")) ? list : undefined;
}

function listOf(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Neither unsaid nor said to be none. */
export function isSome(value: string | undefined): boolean {
  return value !== undefined && !["", "void", "none", "-1"].includes(value);
}

/** Its number is that of the virtual card, which no table of the host's cards has. */
function isVirtual(env: Environment): boolean {
  return /\bVIRTUAL\b/.test(env["ASCEND_RUNTIME_OPTIONS"] ?? "");
}

/** The word of its pool, or of the pool's operator, comes before every guess. */
function toldShared(env: Environment): boolean | undefined {
  const told = env["NPU_DISPATCH_SHARED_CARDS"] ?? "";
  return told === "" ? undefined : !["0", "false"].includes(told);
}

/** What tells a share of a card from a whole one. Time slicing leaves no trace: its pool has to say so. */
const SHARED_BY: readonly ((env: Environment) => boolean)[] = [
  // Virtual NPUs of Ascend Docker Runtime.
  (env) => isVirtual(env) || isSome(env["ASCEND_VNPU_SPECS"]),
  // HAMi: hami-core for Ascend, its libvgpu for NVIDIA.
  (env) => isSome(env["NPU_MEM_QUOTA"]) || isSome(env["CUDA_DEVICE_SM_LIMIT"]),
  (env) => Object.keys(env).some((name) => /^CUDA_DEVICE_MEMORY_LIMIT(?:_\d+)?$/.test(name)),
  // NVIDIA: parts of a GPU, and its multi-process service.
  (env) => listOf(env["NVIDIA_VISIBLE_DEVICES"]).some((part) => /^MIG-|^\d+:\d+$/.test(part)),
  (env) => isSome(env["CUDA_MPS_PIPE_DIRECTORY"]),
];
