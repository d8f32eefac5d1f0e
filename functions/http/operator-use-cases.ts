// The use cases of the operator plane, bound to what they need.
import type { PauseMode } from "../../shared/domain/pauses.ts";
import type { Deps } from "../../shared/usecases/deps.ts";
import type { AskedPlace } from "../../shared/usecases/operator/find-places.ts";
import { listState } from "../../shared/usecases/operator/list-state.ts";
import type { Order } from "../../shared/usecases/operator/pause-place.ts";
import { pausePlace, resumePlace } from "../../shared/usecases/operator/pause-place.ts";
import type { CardOrder } from "../../shared/usecases/operator/quarantine-card.ts";
import { quarantineCard } from "../../shared/usecases/operator/quarantine-card.ts";

export type OperatorUseCases = ReturnType<typeof bindOperatorUseCases>;

export function bindOperatorUseCases(deps: Deps) {
  return {
    listState: () => listState(deps),
    pause: (mode: PauseMode, place: AskedPlace, order: Order) => pausePlace(deps, mode, place, order),
    resume: (place: AskedPlace, order: Order) => resumePlace(deps, place, order),
    quarantine: (order: CardOrder) => quarantineCard(deps, order),
  };
}
