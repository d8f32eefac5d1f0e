// What there is to check before an engine is asked for a container.
import type { Clock } from "../../../ports/clock.ts";
import type { StartOutcome, StartSpec } from "../../../ports/pool-driver.ts";
import { builderFor } from "../builder.ts";
import { startBuilder } from "./builder.ts";
import { containerBody } from "./container-body.ts";
import type { Engine } from "./engine/engine.ts";
import type { Cards } from "./find-cards.ts";
import { hasImage } from "./images/missing-images.ts";
import type { Owner } from "./labels.ts";
import { launchContainer } from "./launch-container.ts";
import type { DockerPoolSettings } from "./settings.ts";
import { unavailable } from "./start-failure.ts";

export type PrepareDeps = {
  readonly engine: Engine;
  readonly settings: DockerPoolSettings;
  readonly owner: Owner;
  readonly cards: () => Promise<Cards>;
  readonly clock: Clock;
};

/** A start that can be tried again once its image is there. */
export type Launch = {
  readonly image: string;
  /** With that of its builder. */
  readonly images: readonly string[];
  run(): ReturnType<typeof launchContainer>;
};

type Refused = Extract<StartOutcome, { type: "refused" }>;

/** Throws an EngineFault where the cards cannot be counted. */
export async function prepareLaunch(spec: StartSpec, deps: PrepareDeps): Promise<Launch | Refused> {
  const { settings, owner, clock } = deps;
  const image = spec.image ?? settings.image;
  if (image === undefined) {
    return refused(`endpoint ${spec.endpoint} names no image, and neither does its pool ${settings.name}`);
  }
  const numbers = await numbersOf(spec, deps);
  if ("type" in numbers) return numbers;
  const builder = builderFor(settings.builder, spec);
  const beside = builder && (() => startBuilder(spec, { ...deps, builder }));
  return {
    image,
    images: builder === undefined ? [image] : [image, builder.image],
    async run() {
      if (builder !== undefined && !(await hasImage(builder.image, deps.engine))) return { type: "no-image" };
      const deadlineAt = clock.now() + spec.limitMs;
      const body = containerBody(spec, settings, { owner, numbers, deadlineAt, image, builder });
      return await launchContainer(spec, body, { ...deps, beside });
    },
  };
}

/** Once the image was pulled. */
export async function runPulled(launch: Launch): Promise<StartOutcome> {
  const launched = await launch.run();
  if (launched.type !== "no-image") return launched;
  return unavailable(`image ${launch.image} was removed from the host right after its pull`, undefined);
}

export function refused(message: string): Refused {
  return { type: "refused", message };
}

/** Device numbers of its cards. */
async function numbersOf(
  spec: StartSpec,
  { settings, cards }: PrepareDeps,
): Promise<readonly number[] | Refused> {
  const { slots } = spec;
  if (settings.kind === "cpu") return [];
  if (slots.length !== spec.cards) {
    return refused(`${spec.workerId} needs ${spec.cards} cards, but ${slots.length} were named`);
  }
  const { devices } = await cards();
  const missing = slots.filter((slot) => devices[slot] === undefined);
  if (missing.length === 0) return slots.flatMap((slot) => devices[slot] ?? []);
  return refused(
    `the pool has ${devices.length} cards, there is no card ${missing.join()} (they count from 0)`,
  );
}
