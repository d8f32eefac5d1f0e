// Faults that strike one client of the API: its job is cancelled, its queue is emptied, its run ends.
import { isTerminal } from "../../shared/domain/job/job.ts";
import type { Draw } from "./engine/draw.ts";
import type { SimClient } from "./outside/sim-client.ts";
import type { FaultKind } from "./plan/fault-kinds.ts";
import type { Prey } from "./prey.ts";

type Act = (draw: Draw) => boolean;

export function apiActs({ clients, table, weather }: Prey): { readonly [kind in FaultKind]?: Act } {
  return {
    "ask-cancelled": (draw) => onClient("ask-cancelled", draw, (client) => client.cancel()),
    "queue-purged": (draw) => onClient("queue-purged", draw, (client) => clients.purge(client)),
    "run-ended": (draw) =>
      onClient(
        "run-ended",
        draw,
        (client) => client.endRun(),
        ({ run }) => run?.status === "in_progress",
      ),
  };

  function onClient(
    kind: FaultKind,
    draw: Draw,
    act: (client: SimClient) => void,
    isFit: (client: SimClient) => boolean = () => true,
  ): boolean {
    const fitting = clients.all.filter((client) => isOpen(client) && isFit(client));
    if (fitting.length === 0) return false;
    const client = draw.pick(fitting);
    weather.count(kind, client.id);
    act(client);
    return true;
  }

  function isOpen({ id, isDone }: SimClient): boolean {
    const job = id === undefined ? undefined : table.all.jobs.get(id);
    return job !== undefined && !isTerminal(job) && !isDone;
  }
}
