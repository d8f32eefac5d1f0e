// Which images of a worker have to be pulled, and one pull of them all.
import type { Engine } from "../engine/engine.ts";
import type { Pull, Pulls } from "./pull-image.ts";

/** Those that are not on the host. Of a single one the engine has said so already, by refusing its container. */
export async function missingImages(images: readonly string[], engine: Engine): Promise<readonly string[]> {
  if (images.length === 1) return images;
  const there = await Promise.all(images.map((image) => hasImage(image, engine)));
  return images.filter((_image, index) => !there[index]);
}

export async function hasImage(image: string, engine: Engine): Promise<boolean> {
  const { status } = await engine.call({ method: "GET", path: `/images/${image}/json` });
  return status !== 404;
}

/** One after another: each may fill the host's line to its registry. */
export function pullAll(images: readonly string[], pulls: Pulls): Pull {
  let current: Pull | undefined;
  const run = async (): Promise<Awaited<Pull["ended"]>> => {
    for (const image of images) {
      current = pulls.pull(image);
      const outcome = await current.ended;
      if (outcome.type !== "pulled") return outcome;
    }
    return { type: "pulled" };
  };
  return { ended: run(), describe: () => current?.describe() ?? "pulling images" };
}
