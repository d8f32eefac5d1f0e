// What a Docker pool is told by its operator.
import type { PoolName } from "../../../domain/ids.ts";
import type { Builder } from "../builder.ts";

export type DockerPoolSettings = {
  readonly name: PoolName;
  readonly host: EngineAddress;
  readonly kind: "npu" | "gpu" | "cpu";
  /** "auto": the device files where the engine is on this host, what the engine says of its GPUs; for `cpu` its cores. */
  readonly cards: number | "auto";
  /** Device number of each card, by index, where not all or not the first ones belong to the pool. */
  readonly cardIds: readonly number[] | undefined;
  /**
   * `engine`: a device list for npu, a device request for gpu. `runtime`: the container runtime of the vendor gives
   * them by an environment variable. `simulated`: none, as on a machine without cards.
   */
  readonly devices: "engine" | "runtime" | "simulated";
  /** Name of the vendor's container runtime in the engine's settings. */
  readonly runtime: string;
  /** Further device files for workers with cards. */
  readonly deviceFiles: readonly string[];
  readonly mounts: readonly Mount[];
  /** For endpoints without an image. */
  readonly image: string | undefined;
  readonly pullPolicy: "missing" | "always" | "never";
  readonly registries: readonly RegistryLogin[];
  /** Network mode; undefined: the engine's own default. */
  readonly network: string | undefined;
  /** `name:address` for /etc/hosts; `host-gateway` is the engine's host. */
  readonly extraHosts: readonly string[];
  /** For a worker with n cards n times as much, for one without cards once. */
  readonly perCard: Resources;
  /** Added to none. */
  readonly capabilities: readonly string[];
  /** True lets a job use sudo and other setuid programs. */
  readonly newPrivileges: boolean;
  /** By name without RLIMIT_, soft and hard alike. */
  readonly ulimits: { readonly [name: string]: number };
  /** Undefined: workers build no images, or elsewhere. */
  readonly builder?: DockerBuilder | undefined;
  /** Set for all workers of this pool; no secrets. */
  readonly env: { readonly [name: string]: string };
};

export type DockerBuilder = Builder & Pick<Resources, "cpus" | "memoryBytes">;

export type EngineAddress = {
  /** `unix:///run/docker.sock`, `tcp://host:2375` or, with `tls`, `tcp://host:2376`. */
  readonly url: string;
  /** Paths of PEM files. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
};

type Mount = { readonly source: string; readonly target: string; readonly readOnly: boolean };

/** Where the password is, not what it is: it is read anew for each pull, since many live for a day only. */
export type RegistryLogin = {
  readonly host: string;
  readonly username: string;
  readonly passwordEnv: string | undefined;
  readonly passwordFile: string | undefined;
};

export type Resources = {
  /** Cores. */
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  /** /dev/shm: data loaders and HCCL share memory there. */
  readonly shmBytes: number | undefined;
  readonly pids: number | undefined;
};
