// The ARGs of Dockerfile.worker that one build is given.
import type { ImageOptions } from "./options.ts";

export type BuildFacts = {
  /** Commit of the work tree; empty where there is none. */
  readonly revision: string;
  /** Epoch ms. */
  readonly createdAt: number;
};

export function buildArguments(options: ImageOptions, facts: BuildFacts): { [name: string]: string } {
  return {
    BUILD_TYPE: options.variant,
    ...(options.baseImage !== undefined && { BASE_IMAGE: options.baseImage }),
    ...(facts.revision !== "" && { IMAGE_REVISION: facts.revision }),
    IMAGE_CREATED: new Date(facts.createdAt).toISOString(),
    ...options.buildArgs,
  };
}
