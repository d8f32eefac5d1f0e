// What a worker asks of its node: cards in the words of the pool's device plugin, cpu and memory that follow the cards.
import { byteQuantity, cpuQuantity, parseQuantity } from "../quantity.ts";
import type { Amounts, CardResource, KubernetesSettings } from "../settings.ts";

type Demand = Pick<KubernetesSettings, "resource" | "perCard" | "perWorker">;

/** Requests and limits are the same: Kubernetes demands it of extended resources, and it keeps a neighbour from starving a job. */
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

/** Without cards a container runtime for NPUs or GPUs must be told so, or it may mount them all. */
export function noCardsEnv(kind: KubernetesSettings["kind"]): { [name: string]: string } {
  if (kind === "npu") return { ASCEND_VISIBLE_DEVICES: "void" };
  return kind === "gpu" ? { NVIDIA_VISIBLE_DEVICES: "void" } : {};
}
