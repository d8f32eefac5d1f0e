// Tenants that always have more jobs than can start: the ground on which fairness is measured.

import { DEFAULT_TENANT_SETTINGS } from "../../shared/domain/admission/tenant.ts";
import { tenantId } from "../../shared/domain/ids.ts";
import type { Draw } from "./engine/draw.ts";
import type { Holds } from "./holds.ts";
import { createHolds } from "./holds.ts";
import { workflowJob } from "./outside/workflow-job.ts";
import { PASS_MS, reconcileIfDue } from "./passes.ts";
import { NEWEST } from "./plan/editions.ts";
import type { Plan } from "./plan/planned.ts";
import { labelsFor, POOL, START } from "./scenery.ts";
import type { World } from "./world.ts";
import { createSimWorld } from "./world.ts";

export type Flooder = {
  readonly id: number;
  readonly login: string;
  readonly weight: number;
  /** A job asks for one of these; none: it floods nobody. */
  readonly sizes: readonly number[];
};

export type Flood = {
  readonly world: World;
  readonly holds: Holds;
  create(flooder: Flooder, cards: number): void;
  /** Plays until then, ms after the start. */
  play(ms: number): Promise<void>;
  /** How often a lane was found empty when it was to be filled up, after the first time. */
  dryCount(): number;
};

const MINUTE = 60_000;
/** Jobs that wait in each lane. */
const DEPTH = 12;
const FILL_MS = MINUTE / 2;
/** Half of the jobs take less than 7 minutes; the longest, one in 80, take the most. */
const SHORTEST_MS = 4 * MINUTE;
const LONGEST_MS = 75 * MINUTE;
const TAIL = 1.5;

export function createFlood(options: {
  readonly cards: number;
  readonly seed: number;
  readonly tenants: readonly Flooder[];
}): Flood {
  const { cards, seed, tenants } = options;
  let now = () => START;
  const holds = createHolds(() => now());
  const settings = tenants.map(({ login, weight }) => ({ ...DEFAULT_TENANT_SETTINGS, owner: login, weight }));
  const scene = { cards, tenants: settings };
  const world = createSimWorld(quietPlan(seed), { keepTrace: false, scene, onPool: holds.onPool });
  const { timeline, table, watch } = world;
  now = timeline.now;
  const draw = world.drawFor("flood");
  let dry = 0;

  timeline.at(START, fill);
  timeline.after(MINUTE, tick);
  return {
    world,
    holds,
    create,
    play: (ms) => timeline.play(START + ms),
    dryCount: () => dry,
  };

  function fill(): void {
    for (const flooder of tenants) {
      if (flooder.sizes.length === 0) continue;
      const lane = { pool: POOL, tenant: tenantId(String(flooder.id)) };
      const waiting = table.jobs.heads(lane, DEPTH).length;
      if (waiting === 0 && timeline.now() > START + MINUTE) dry++;
      for (let one = waiting; one < DEPTH; one++) create(flooder, draw.pick(flooder.sizes));
    }
    timeline.after(FILL_MS, fill);
  }

  function tick(): void {
    watch.tick();
    reconcileIfDue(world);
    timeline.after(PASS_MS.cloud, tick);
  }

  function create({ id: ownerId, login }: Flooder, size: number): void {
    const { github } = world.outside;
    const id = github.nextId();
    const owner = { id: ownerId, login, type: "Organization" } as const;
    github.create({
      base: {
        ...workflowJob({ id, runId: id, name: `job-${id}`, createdAt: timeline.now() }),
        repository: { id: 10 * ownerId, owner, name: "kernels" },
        labels: labelsFor(size),
      },
      status: "queued",
      runMs: lengthOf(draw),
      fails: false,
      isOurs: true,
    });
  }
}

/** Pareto's: most are short, and a few take most of the time. */
function lengthOf(draw: Draw): number {
  return Math.round(Math.min(LONGEST_MS, SHORTEST_MS * (1 - draw.fraction()) ** (-1 / TAIL)));
}

function quietPlan(seed: number): Plan {
  return {
    seed,
    edition: NEWEST,
    form: "cloud",
    skews: [],
    announces: "assignment",
    registration: "jit",
    hasHooks: true,
    storeMs: 0,
    entries: [],
  };
}
