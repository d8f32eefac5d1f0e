// The lease of an API job on the workflow run that asked for it: when GitHub is asked next whether that run still goes on.

import { RUN_CHECK_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { ApiSide } from "./api-job.ts";

/** The part of a job that its lease follows from. */
type Leased = {
  readonly queuedAt: EpochMs;
  readonly verifyAt: EpochMs | undefined;
  readonly api: Pick<ApiSide, "run"> | undefined;
};

/** Of a job that is not terminal; undefined when no run holds it. A requeue forgets `verifyAt`: then it is soon due. */
export function leaseDueAt({ api, verifyAt, queuedAt }: Leased): EpochMs | undefined {
  return api?.run === undefined ? undefined : (verifyAt ?? queuedAt + RUN_CHECK_MS);
}
