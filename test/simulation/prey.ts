// One run's world, as those see it who strike it.
import type { WorkerId } from "../../shared/domain/ids.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Ground } from "./ground.ts";
import type { Outside } from "./outside/outside.ts";
import type { SimClients } from "./outside/sim-clients.ts";

export type Prey = Ground & {
  readonly outside: Outside;
  readonly clients: SimClients;
  readonly dispatcher: Dispatcher;
  /** Loses the record of a worker. */
  forget(id: WorkerId): void;
};
