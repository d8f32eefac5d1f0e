// A repository that has had a job of ours: where to look for workflow jobs that GitHub never told us of.
import type { Owner } from "../github-event.ts";
import type { EpochMs } from "../ids.ts";

export type SeenRepository = {
  readonly id: number;
  readonly owner: Owner;
  readonly name: string;
  readonly installationId: number | undefined;
  /** Of its newest job, at most REPOSITORY_SEEN_MS too old. */
  readonly lastJobAt: EpochMs;
};
