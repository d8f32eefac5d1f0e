// The use cases of the operator plane, bound to what they need.
import type { PauseMode } from "../../../shared/domain/admission/pauses.ts";
import type { ApiKey } from "../../../shared/ports/api-store.ts";
import type { Deps } from "../../../shared/usecases/deps.ts";
import type { NewKey } from "../../../shared/usecases/operator-plane/api-keys.ts";
import { listKeys, revokeKey, storeKey } from "../../../shared/usecases/operator-plane/api-keys.ts";
import type { AskedPlace } from "../../../shared/usecases/operator-plane/find-places.ts";
import { listState } from "../../../shared/usecases/operator-plane/list-state.ts";
import type { Order } from "../../../shared/usecases/operator-plane/pause-place.ts";
import { pausePlace, resumePlace } from "../../../shared/usecases/operator-plane/pause-place.ts";
import type { CardOrder } from "../../../shared/usecases/operator-plane/quarantine-card.ts";
import { quarantineCard } from "../../../shared/usecases/operator-plane/quarantine-card.ts";
import { hashKey, newKey } from "../client/auth.ts";

export type OperatorUseCases = ReturnType<typeof bindOperatorUseCases>;

/** `configuredKeys`: those of dispatch.yaml, which are listed and revoked like the others. */
export function bindOperatorUseCases(deps: Deps, configuredKeys: readonly ApiKey[] = []) {
  return {
    listState: () => listState(deps),
    pause: (mode: PauseMode, place: AskedPlace, order: Order) => pausePlace(deps, mode, place, order),
    resume: (place: AskedPlace, order: Order) => resumePlace(deps, place, order),
    quarantine: (order: CardOrder) => quarantineCard(deps, order),
    listKeys: () => listKeys(deps, configuredKeys),
    revokeKey: (order: Order & { readonly id: string }) => revokeKey(deps, configuredKeys, order),
    /** `key`: known to nobody else, here neither; worth nothing unless the outcome is `done`. */
    async makeKey(asked: Omit<NewKey, "hash">) {
      const key = newKey(deps.random);
      return { key, outcome: await storeKey(deps, { ...asked, hash: hashKey(key) }) };
    },
  };
}
