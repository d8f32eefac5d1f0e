// A Docker pool on the stand-in of an engine, with a clock that a test turns.
import { createDockerPool, type DockerPoolDeps } from "../../../shared/adapters/pools/docker/docker-pool.ts";
import type { DockerPoolSettings } from "../../../shared/adapters/pools/docker/settings.ts";
import { poolName } from "../../../shared/domain/ids.ts";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { newId } from "../../contract/pool-driver-contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";
import { startFakeEngine } from "../../fakes/docker/fake-engine.ts";

export type OnFake = Awaited<ReturnType<typeof openOnFake>>;

export async function openOnFake() {
  const engine = await startFakeEngine();
  const clock = manualClock();
  const log = createCollectingLog();
  const open = (settings: Partial<DockerPoolSettings> = {}, deps: Partial<DockerPoolDeps> = {}) =>
    createDockerPool(
      { ...settingsOn(engine.host), ...settings },
      {
        deployment: "abc123",
        secrets: { env: {}, readFile: () => "" },
        clock,
        log,
        answerMs: 2_000,
        patienceMs: 50,
        ...deps,
      },
    );
  return { engine, clock, log, open, close: () => engine.close() };
}

function settingsOn(url: string): DockerPoolSettings {
  return {
    name: poolName("npus"),
    host: { url, tls: undefined },
    kind: "npu",
    cards: 8,
    cardIds: undefined,
    devices: "engine",
    runtime: "ascend",
    deviceFiles: ["/dev/davinci_manager"],
    mounts: [],
    image: "worker:1",
    pullPolicy: "missing",
    registries: [],
    network: undefined,
    extraHosts: [],
    perCard: { cpus: undefined, memoryBytes: undefined, shmBytes: undefined, pids: undefined },
    capabilities: [],
    newPrivileges: false,
    ulimits: {},
    env: {},
  };
}

/** A worker on the cards 0 and 3. */
export function specOf(changes: Partial<StartSpec> = {}): StartSpec {
  return {
    workerId: newId(),
    endpoint: "linux-aarch64-a2-2",
    tenant: "1",
    cards: 2,
    slots: [0, 3],
    image: undefined,
    command: undefined,
    env: {},
    limitMs: 60_000,
    ...changes,
  };
}
