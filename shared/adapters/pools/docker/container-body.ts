// The body of a container's creation: all that the engine is told about a worker.
import type { StartSpec } from "../../../ports/pool-driver.ts";
import { FOLDER_VARIABLE } from "../builder.ts";
import { giveDevices } from "./give-devices.ts";
import { labelsOf, type Owner } from "./labels.ts";
import type { DockerBuilder, DockerPoolSettings, Resources } from "./settings.ts";

/**
 * Holds result.json and an own copy of the runner. A volume of the container's own: it keeps its content after the end,
 * goes with the container, and is as fast as the host's disk.
 */
export const WORKER_DIR = "/var/lib/npu-dispatch";

export type BodyParts = {
  readonly owner: Owner;
  /** Device numbers of its cards. */
  readonly numbers: readonly number[];
  /** Epoch ms. */
  readonly deadlineAt: number;
  readonly image: string;
  /** Undefined where nothing is built beside it. */
  readonly builder?: DockerBuilder | undefined;
};

/** Secrets are in `Env` only: whoever may call the engine is root on its host anyway. */
export function containerBody(spec: StartSpec, settings: DockerPoolSettings, parts: BodyParts) {
  const given = giveDevices({ numbers: parts.numbers, slots: spec.slots }, settings);
  const shared = sharedFolder(settings, parts.builder);
  const env = { ...shared.env, ...settings.env, ...spec.env, ...given.env, WORKER_DIR };
  const [program, ...args] = spec.command ?? [];
  return {
    Image: parts.image,
    Hostname: spec.workerId,
    // Instead of the image's own: a program is not an argument of its entrypoint.
    ...(program !== undefined && { Entrypoint: [program], Cmd: args }),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(spec, {
      owner: parts.owner,
      devices: settings.devices === "simulated" ? [] : parts.numbers,
      deadlineAt: parts.deadlineAt,
    }),
    // What the contract says, whatever the image says.
    StopSignal: "SIGTERM",
    Volumes: { [WORKER_DIR]: {}, ...shared.volumes },
    HostConfig: { ...hostConfig(settings, spec), ...resources(settings, spec.cards), ...given.hostConfig },
  };
}

/** A volume of the container's own, unless the operator mounts something there. */
function sharedFolder({ mounts }: DockerPoolSettings, builder: DockerBuilder | undefined) {
  if (builder === undefined) return { env: {}, volumes: {} };
  const { folder } = builder;
  const given = mounts.some(({ target }) => target === folder);
  return { env: { [FOLDER_VARIABLE]: folder }, volumes: given ? {} : { [folder]: {} } };
}

function hostConfig(settings: DockerPoolSettings, { capabilities: more = [] }: StartSpec) {
  const { network, mounts, capabilities, newPrivileges, extraHosts } = settings;
  return {
    // A worker starts once, and its code and output are kept until `stop`.
    RestartPolicy: { Name: "no" },
    AutoRemove: false,
    // Reaps what a job leaves behind, and passes TERM on.
    Init: true,
    CapDrop: ["ALL"],
    CapAdd: [...new Set([...capabilities, ...more])],
    SecurityOpt: newPrivileges ? [] : ["no-new-privileges"],
    // 20 MB at most; `logsTail` can read this driver's files on every engine.
    LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "2" } },
    ...(network !== undefined && { NetworkMode: network }),
    ...(extraHosts.length > 0 && { ExtraHosts: extraHosts }),
    // `Mounts` and not `Binds`: for a missing source that would make an empty folder on the host.
    Mounts: mounts.map(({ source, target, readOnly }) => ({
      Type: "bind",
      Source: source,
      Target: target,
      ReadOnly: readOnly,
    })),
    Ulimits: Object.entries(settings.ulimits).map(([Name, value]) => ({ Name, Soft: value, Hard: value })),
  };
}

function resources({ perCard }: { readonly perCard: Resources }, cards: number) {
  const times = Math.max(1, cards);
  const { cpus, memoryBytes, shmBytes, pids } = perCard;
  return {
    ...(cpus !== undefined && { NanoCpus: Math.round(cpus * 1e9) * times }),
    ...(memoryBytes !== undefined && { Memory: memoryBytes * times }),
    ...(shmBytes !== undefined && { ShmSize: shmBytes * times }),
    ...(pids !== undefined && { PidsLimit: pids * times }),
  };
}
