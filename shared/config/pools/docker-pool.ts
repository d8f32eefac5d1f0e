// The part of dispatch.yaml for a pool behind a Docker engine.
import * as z from "zod";
import { poolName } from "../../domain/ids.ts";
import { dockerBuilder } from "./builder.ts";
import type { PoolKind } from "./pool-kind.ts";

const SIZE = /^(\d+(?:\.\d+)?)([MG]i)B?$/;
const path = z.string().regex(/^\/\S*$/);
const size = (text: string) => z.string().regex(SIZE).describe(`${text}, for example 512MiB or 64GiB`);

/** What every Ascend chip up to the 910C shares; an Atlas 950 has /dev/uburma and /dev/ummu instead of devmm_svm. */
const ASCEND_FILES = ["/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc"];

/** The driver belongs to the host, never to an image: both parts must fit. */
const ASCEND_DRIVER = [
  "/usr/local/dcmi",
  "/usr/local/bin/npu-smi",
  "/usr/local/Ascend/driver/lib64",
  "/usr/local/Ascend/driver/version.info",
  "/etc/ascend_install.info",
];

/** What a worker that is root needs to prepare a runner of another user: docs/adr/0014-supervisor.md. */
const CAPABILITIES = ["CHOWN", "KILL", "SETGID", "SETUID"];

/** 192 cores of a server times some libraries with a thread for each; a fork bomb ends well before the host's 4 million. */
const PIDS = 16_384;

const mount = z.strictObject({
  source: path.describe("Path on the engine's host; it must exist"),
  target: path.optional().describe("Path in the container; the same when left out"),
  readOnly: z.boolean().default(true).describe("false lets jobs write there, and read what others wrote"),
});

const registry = z
  .strictObject({
    host: z
      .string()
      .regex(/^[^\s/]+$/)
      .describe(
        "The registry as image names begin with it, such as swr.cn-north-4.myhuaweicloud.com, or docker.io",
      ),
    username: z.string().min(1).describe("User name for it"),
    passwordEnv: z.string().min(1).optional().describe("The dispatcher's variable that holds the password"),
    passwordFile: path.optional().describe("The file that holds the password, read anew for each pull"),
  })
  .refine(({ passwordEnv, passwordFile }) => (passwordEnv === undefined) !== (passwordFile === undefined), {
    error: "it needs one of passwordEnv and passwordFile",
  });

const perCard = z.strictObject({
  cpus: z.number().positive().max(1_024).optional().describe("Cores; all when left out"),
  memory: size("Memory; all when left out").optional(),
  shm: size("Size of /dev/shm (default 64MiB, the engine's)").optional(),
  pids: z.int().min(16).max(4_194_304).default(PIDS).describe("Processes and threads"),
});

/** Beside what every pool has: kind, cards, allowedCounts, maxWorkers, startsAtOnce, env. */
export const dockerFields = {
  driver: z
    .literal("docker")
    .describe("What starts the workers: docker (containers of a Docker engine, or of Podman)"),
  host: z
    .string()
    .regex(/^(unix:\/\/\/\S+|tcp:\/\/[^\s/?#@]+:\d+)$/)
    .default("unix:///var/run/docker.sock")
    .describe("The engine: unix:///path of its socket, or tcp://host:port"),
  tls: z
    .strictObject({
      ca: path.describe("File with the certificate of the engine's authority"),
      cert: path.describe("File with our certificate"),
      key: path.describe("File with its key"),
    })
    .optional()
    .describe("For a tcp host: who may call an engine is root there, so use TLS on both sides"),
  cardIds: z
    .array(z.int().min(0).max(10_000))
    .min(1)
    .optional()
    .describe(
      "Device numbers of the pool's cards, such as [4, 5, 6, 7], where others use the rest; replaces cards",
    ),
  devices: z
    .enum(["engine", "runtime", "simulated"])
    .default("engine")
    .describe(
      "How a container gets its cards: engine (device files, or a request for GPUs), runtime (the vendor's container runtime), simulated (not at all)",
    ),
  runtime: z
    .string()
    .min(1)
    .optional()
    .describe("With devices: runtime: its name (default ascend or nvidia)"),
  deviceFiles: z
    .array(path)
    .optional()
    .describe("Device files that all NPU workers share; those of Ascend chips up to A3 when left out"),
  mounts: z
    .array(mount)
    .optional()
    .describe("Files and folders of the host for its workers; those of the NPU driver when left out"),
  image: z.string().regex(/^\S+$/).optional().describe("Image of endpoints that name none"),
  pullPolicy: z
    .enum(["missing", "always", "never"])
    .default("missing")
    .describe("When to pull an image: missing (not on the host), always (before each start), never"),
  registries: z.array(registry).default([]).describe("Logins for registries"),
  network: z
    .string()
    .min(1)
    .optional()
    .describe("Network of its containers; the engine's default when left out"),
  extraHosts: z
    .array(z.string().regex(/^[^\s:]+:\S+$/))
    .default([])
    .describe("Further host names, such as host.docker.internal:host-gateway"),
  perCard: perCard.prefault({}).describe("What a worker may use for each of its cards, at least once"),
  capabilities: z
    .array(z.string().regex(/^[A-Z_]+$/))
    .default(CAPABILITIES)
    .describe("Linux capabilities of its containers, beside those of an endpoint; they have no others"),
  newPrivileges: z
    .boolean()
    .default(false)
    .describe(
      "true lets an image of your own use sudo and other setuid programs; ours never does: worker and job have no-new-privileges there",
    ),
  ulimits: z
    .record(z.string().regex(/^[a-z]+$/), z.int().min(0))
    .default({})
    .describe("Limits by name, such as nofile: 65536; soft and hard alike"),
  builder: dockerBuilder,
};

/** The common fields by their type: schema.ts gives the two of them one schema. */
export type DockerPoolSpec = z.output<z.ZodObject<typeof dockerFields>> & {
  readonly kind: PoolKind;
  readonly cards: number | "auto";
  readonly env: { readonly [name: string]: string };
};

/** The settings of createDockerPool. */
export function resolveDockerPool(name: string, spec: DockerPoolSpec) {
  const { kind, devices, perCard } = spec;
  // The vendor's runtime brings what else a card needs.
  const needsFiles = kind === "npu" && devices === "engine";
  const standardMounts = needsFiles
    ? ASCEND_DRIVER.map((source) => ({ source, target: source, readOnly: true }))
    : [];
  return {
    name: poolName(name),
    host: { url: spec.host, tls: spec.tls },
    kind,
    cards: spec.cards,
    cardIds: spec.cardIds,
    devices,
    runtime: spec.runtime ?? (kind === "gpu" ? "nvidia" : "ascend"),
    deviceFiles: spec.deviceFiles ?? (needsFiles ? ASCEND_FILES : []),
    mounts:
      spec.mounts?.map((entry) => ({ ...entry, target: entry.target ?? entry.source })) ?? standardMounts,
    image: spec.image,
    pullPolicy: spec.pullPolicy,
    registries: spec.registries.map(({ host, username, passwordEnv, passwordFile }) => ({
      host,
      username,
      passwordEnv,
      passwordFile,
    })),
    network: spec.network,
    extraHosts: spec.extraHosts,
    perCard: {
      cpus: perCard.cpus,
      memoryBytes: bytes(perCard.memory),
      shmBytes: bytes(perCard.shm),
      pids: perCard.pids,
    },
    capabilities: spec.capabilities,
    newPrivileges: spec.newPrivileges,
    ulimits: spec.ulimits,
    builder: spec.builder && resolveBuilder(spec.builder),
    env: spec.env,
  };
}

function resolveBuilder(builder: NonNullable<DockerPoolSpec["builder"]>) {
  const { image, folder, endpoints, cpus, memory } = builder;
  return { image, folder, endpoints, cpus, memoryBytes: bytes(memory) };
}

function bytes(text: string | undefined): number | undefined {
  const [, number, unit] = SIZE.exec(text ?? "") ?? [];
  return number === undefined
    ? undefined
    : Math.round(Number(number) * (unit === "Gi" ? 1024 ** 3 : 1024 ** 2));
}
