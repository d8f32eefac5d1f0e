// What a worker is given by its entry: configuration, time, chance, network, signals.
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClock } from "../clock.ts";
import type { Environment, WorkerConfig } from "../config.ts";
import type { SendHttp } from "../dispatcher/http-sender.ts";
import type { RunnerHost } from "../runner/runner-host.ts";
import type { Secrets } from "../secrets.ts";

export type WorkerDeps = {
  readonly config: WorkerConfig;
  readonly env: Environment;
  readonly clock: WorkerClock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** What the log masks; the worker adds what it learns. */
  readonly secrets: Secrets;
  readonly send: SendHttp;
  /** Names this boot: the first boot to take owns the worker. */
  readonly bootId: string;
  readonly host: RunnerHost;
  readonly deviceDir: string;
  /** `/sys/fs/cgroup`, but in tests. */
  readonly cgroupDir: string;
  /** Hands the worker its stop signals; returns how to stop listening. */
  readonly onStopSignal: (stop: () => void) => () => void;
};
