// What this process remembers of the namespaces of a pool, for answers that depend on what went before; a restart may
// forget it.
import type { EpochMs } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { ApiFault } from "./api-fault.ts";
import { isMissingNamespace, isRbacDenial, type StartMoment } from "./start-outcome.ts";

/** A quota's count is behind a pod that has gone by about so long. */
const COUNT_BEHIND_MS = 5_000;

export type NamespaceNotes = {
  /** A worker of ours has gone there. */
  freed(namespace: string): void;
  /** A call in it was answered. */
  worked(namespace: string): void;
  /** What this fault of a start there is to be read with. */
  moment(template: string, namespace: string, fault: ApiFault): StartMoment;
};

export function createNamespaceNotes({ now }: Clock): NamespaceNotes {
  const freedAt = new Map<string, EpochMs>();
  const rightlessSince = new Map<string, EpochMs>();
  return {
    freed: (namespace) => void freedAt.set(namespace, now()),
    worked: (namespace) => void rightlessSince.delete(namespace),
    moment(template, namespace, fault) {
      if (isRbacDenial(fault) || isMissingNamespace(fault)) {
        if (!rightlessSince.has(namespace)) rightlessSince.set(namespace, now());
      }
      return {
        template,
        namespace,
        hasJustFreed: now() - (freedAt.get(namespace) ?? Number.NEGATIVE_INFINITY) < COUNT_BEHIND_MS,
        rightlessMs: now() - (rightlessSince.get(namespace) ?? now()),
      };
    },
  };
}
