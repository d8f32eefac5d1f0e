// /near-misses: labels of the caller's owner that nearly were an endpoint's. Their workflow jobs wait at GitHub for ever.

import type { EpochMs } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { WhyWaiting } from "../../domain/waiting/wait-view.ts";
import { whyNotServed } from "../../domain/waiting/why-waiting.ts";
import type { Deps } from "../deps.ts";

export type NearMisses = {
  readonly nearMisses: readonly {
    readonly labels: readonly string[];
    readonly whyWaiting: WhyWaiting;
    readonly count: number;
    readonly lastAt: EpochMs;
    readonly lastUrl: string;
  }[];
};

/** The newest; each set of labels is one. */
const READ = 500;

/** Undefined for a workflow step: another repository's labels and jobs are not for it to see. */
export async function listNearMisses(deps: Deps, caller: ApiCaller): Promise<NearMisses | undefined> {
  if (caller.repositoryId !== undefined) return undefined;
  const found = await deps.stores.nearMisses.list(caller.tenant, READ);
  const nearMisses = found.map(({ labels, reason, count, lastAt, lastUrl }) => ({
    labels,
    whyWaiting: whyNotServed(reason, lastAt),
    count,
    lastAt,
    lastUrl,
  }));
  return { nearMisses };
}
