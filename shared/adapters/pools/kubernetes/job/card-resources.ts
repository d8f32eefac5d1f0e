// What a worker asks of its node: cards in the words of the pool's device plugin, cpu and memory that follow the cards.
import { byteQuantity, cpuQuantity, parseQuantity } from "../quantity.ts";
import type { Amounts, CardResource, KubernetesSettings } from "../settings.ts";

type Demand = Pick<KubernetesSettings, "resource" | "perCard" | "perWorker">;

/**
 * Requests and limits are the same: Kubernetes demands it of extended resources, and it keeps a neighbour from starving a
 * job.
 */
export function resourcesOf(cards: number, settings: Demand): { readonly [resource: string]: string } {
  const { perCard, perWorker, resource } = settings;
  return {
    ...amount("cpu", "cpu", cpuQuantity),
    ...amount("memory", "memory", byteQuantity),
    ...amount("ephemeral-storage", "ephemeralStorage", byteQuantity),
    ...(resource !== undefined && cards > 0 && cardUnits(cards, resource)),
  };

  function amount(key: string, name: keyof Amounts, format: (value: number) => string) {
    const total =
      (parseQuantity(perWorker[name] ?? "0") ?? 0) + cards * (parseQuantity(perCard[name] ?? "0") ?? 0);
    return total > 0 ? { [key]: format(total) } : {};
  }
}

function cardUnits(
  cards: number,
  { name, units, memory, core }: CardResource,
): { [resource: string]: string } {
  return {
    [name]: String(cards * units),
    // HAMi counts both per card, not in all.
    ...(memory !== undefined && { [`${name}-memory`]: String(memory) }),
    ...(core !== undefined && { [`${name}-core`]: String(core) }),
  };
}

/** Why this number of cards can never be had; undefined when it can. */
export function cardObjection(cards: number, { resource }: Demand): string | undefined {
  if (cards === 0 || resource === undefined) return undefined;
  if (cards > 1 && isVirtual(resource.name)) {
    return `${resource.name} is a virtual NPU, of which a pod can have one; the worker asks for ${cards}. Offer it as an endpoint with 1 card.`;
  }
  return undefined;
}

/** `huawei.com/Ascend910-12c.3cpu.32g`, `huawei.com/ascend-1980-5c.1cpu.16g`, `huawei.com/npu-core`. */
function isVirtual(resource: string): boolean {
  return /-\d+c(\.|$)/.test(resource) || resource.endsWith("/npu-core");
}

/**
 * What the worker cannot see for itself: others may use its cards at the same time, so that their memory and processes are
 * no fault of those. The operator's word, or what the resource's name and shares tell.
 */
export function sharedCardsEnv(resource: CardResource | undefined): { [name: string]: string } {
  if (resource === undefined) return {};
  const { name, memory, core, mode, shared } = resource;
  // NVIDIA's plugin renames what it slices to `nvidia.com/gpu.shared`, and parts of a GPU to `nvidia.com/mig-1g.5gb`.
  const isPart = isVirtual(name) || name.endsWith(".shared") || name.includes("/mig-");
  const isShare = shared ?? (isPart || [memory, core, mode].some((given) => given !== undefined));
  return isShare || shared !== undefined ? { NPU_DISPATCH_SHARED_CARDS: isShare ? "1" : "0" } : {};
}

/** Without cards a container runtime for NPUs or GPUs must be told so, or it may mount them all. */
export function noCardsEnv(kind: KubernetesSettings["kind"]): { [name: string]: string } {
  if (kind === "npu") return { ASCEND_VISIBLE_DEVICES: "void" };
  return kind === "gpu" ? { NVIDIA_VISIBLE_DEVICES: "void" } : {};
}
