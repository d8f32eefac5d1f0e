// Which cards a Docker pool has: as its settings say, or as this host and the engine show.
import * as z from "zod/mini";
import { findCards as findLocalCards } from "../local/find-cards.ts";
import type { Engine } from "./engine/engine.ts";
import { readAnswer } from "./engine/engine-answer.ts";
import { EngineFault } from "./engine/engine-fault.ts";
import type { DockerPoolSettings } from "./settings.ts";

export type Cards = {
  /** Device number of each card, by index; for `cpu` a card is a core. */
  readonly devices: readonly number[];
  readonly simulated: boolean;
};

/** As many as a common NPU server has. */
const SIMULATED_CARDS = 8;

/** Throws an EngineFault where they cannot be counted. */
export async function findCards(
  settings: Pick<DockerPoolSettings, "kind" | "cards" | "cardIds" | "devices" | "host">,
  engine: Engine,
  devDir: string,
): Promise<Cards> {
  const { kind, cards, cardIds, devices } = settings;
  if (kind === "cpu") return { devices: countUp((await readInfo(engine)).NCPU), simulated: false };
  if (devices === "simulated") {
    return { devices: countUp(cards === "auto" ? SIMULATED_CARDS : cards), simulated: true };
  }
  if (cardIds !== undefined) return { devices: cardIds, simulated: false };
  if (cards !== "auto") return { devices: countUp(cards), simulated: false };
  const found = settings.host.url.startsWith("unix://") ? findLocalCards(kind, "auto", devDir) : undefined;
  if (found !== undefined && !found.simulated) return { devices: found.devices, simulated: false };
  const listed = kind === "gpu" ? gpusIn(await readInfo(engine)) : [];
  if (listed.length > 0) return { devices: listed, simulated: false };
  const message = `the ${kind} cards of the Docker engine at ${engine.url} cannot be counted from here: set cards to their number, or devices to simulated for a trial without cards`;
  throw new EngineFault({ kind: "settings", message }, undefined);
}

const info = z.object({
  NCPU: z.number(),
  /** CDI devices, from API 1.50 on: `nvidia.com/gpu=0`. */
  DiscoveredDevices: z.optional(z.nullable(z.array(z.object({ ID: z.string() })))),
  /** From `node-generic-resources` in daemon.json: one entry per GPU. */
  GenericResources: z.optional(
    z.nullable(z.array(z.object({ NamedResourceSpec: z.optional(z.object({ Kind: z.string() })) }))),
  ),
});

async function readInfo(engine: Engine): Promise<z.infer<typeof info>> {
  const answer = await engine.call({ method: "GET", path: "/info" });
  return readAnswer(info, answer, `counting the cards of ${engine.url}`);
}

function gpusIn({ DiscoveredDevices, GenericResources }: z.infer<typeof info>): number[] {
  const byNumber = (DiscoveredDevices ?? []).flatMap(
    ({ ID }) => /^nvidia\.com\/gpu=(\d+)$/.exec(ID)?.[1] ?? [],
  );
  if (byNumber.length > 0) return byNumber.map(Number).sort((a, b) => a - b);
  const named = (GenericResources ?? []).filter(({ NamedResourceSpec }) =>
    /gpu/i.test(NamedResourceSpec?.Kind ?? ""),
  );
  return countUp(named.length);
}

function countUp(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
