// The builder beside a worker: a second container on the engine, which shares the worker's work folder and nothing else
// of it.
//
// The folder is a volume of the worker's container, so it goes with that. The builder is made once the worker's container
// is there and before it starts; it is removed before it. Whatever dispatcher ends in between, `start` completes and
// `stop` removes both.
import * as z from "zod/mini";
import type { WorkerId } from "../../../domain/ids.ts";
import type { StartOutcome, StartSpec } from "../../../ports/pool-driver.ts";
import { BUILDER_CAPABILITIES, BUILDER_COMMAND, builderEnv } from "../builder.ts";
import { lookAt } from "./container-facts.ts";
import type { Engine } from "./engine/engine.ts";
import { isNameTaken, readAnswer } from "./engine/engine-answer.ts";
import { builderLabels, type Owner } from "./labels.ts";
import type { DockerBuilder, DockerPoolSettings } from "./settings.ts";
import { refusal } from "./start-failure.ts";

export type BuilderDeps = {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly settings: DockerPoolSettings;
  readonly builder: DockerBuilder;
};

/** Idempotent. The worker's container is there, and does not run yet. */
export async function startBuilder(spec: StartSpec, deps: BuilderDeps): Promise<StartOutcome> {
  const { engine } = deps;
  const name = builderName(spec.workerId);
  const mount = await sharedFolder(spec.workerId, deps);
  const created = await engine.call({
    method: "POST",
    path: "/containers/create",
    query: { name },
    json: builderBody(spec, mount, deps),
  });
  if (created.status !== 201 && !isNameTaken(created)) {
    return refusal(created, `create the builder of ${spec.workerId}`, engine.url);
  }
  const started = await engine.call({ method: "POST", path: `/containers/${name}/start` });
  // 304: it runs already.
  if (started.status === 204 || started.status === 304) return { type: "started" };
  return refusal(started, `start the builder of ${spec.workerId}`, engine.url);
}

/** True when there is none any more. Before its worker's container: that one's volume would stay with it. */
export async function removeBuilder(workerId: WorkerId, engine: Engine, owner: Owner): Promise<boolean> {
  const name = builderName(workerId);
  const found = await lookAt(engine, name, owner);
  if (found === undefined || found === "foreign") return true;
  const query = { force: "1", v: "1" };
  const { status } = await engine.call({ method: "DELETE", path: `/containers/${name}`, query });
  return status < 300 || status === 404;
}

/** No worker's id has a dot. */
function builderName(workerId: WorkerId): string {
  return `${workerId}.builder`;
}

type Mount = { readonly Type: string; readonly Source: string; readonly Target: string };

const inspected = z.object({
  Mounts: z.array(
    z.object({
      Type: z.string(),
      Name: z.optional(z.string()),
      Source: z.string(),
      Destination: z.string(),
    }),
  ),
});

/** What the worker's container has at that path: its volume, or what the operator mounts there. */
async function sharedFolder(workerId: WorkerId, { engine, builder }: BuilderDeps): Promise<Mount> {
  const answer = await engine.call({ method: "GET", path: `/containers/${workerId}/json` });
  const { Mounts } = readAnswer(inspected, answer, `looking at the container ${workerId}`);
  const found = Mounts.find(({ Destination }) => Destination === builder.folder);
  if (found === undefined) {
    throw new Error(
      `the container ${workerId} has nothing at ${builder.folder}, the folder of its pool's builder`,
    );
  }
  const { Type, Name, Source, Destination } = found;
  return { Type, Source: Type === "volume" ? (Name ?? Source) : Source, Target: Destination };
}

/** Neither the worker's environment nor its cards; on its network, since it pulls and pushes. */
function builderBody(spec: StartSpec, mount: Mount, { owner, settings, builder }: BuilderDeps) {
  const [program, ...args] = BUILDER_COMMAND;
  const { network, extraHosts, ulimits, perCard } = settings;
  return {
    Image: builder.image,
    Entrypoint: [program],
    Cmd: args,
    User: "0:0",
    Env: Object.entries(builderEnv(builder, settings.env)).map(([name, value]) => `${name}=${value}`),
    Labels: builderLabels(spec, owner),
    StopSignal: "SIGTERM",
    HostConfig: {
      // For want of memory it ends in the middle of a build, and the next build needs it. Not after the host's own restart.
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 10 },
      AutoRemove: false,
      Init: true,
      CapDrop: ["ALL"],
      CapAdd: [...BUILDER_CAPABILITIES],
      SecurityOpt: ["no-new-privileges"],
      LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
      Mounts: [mount],
      Ulimits: Object.entries(ulimits).map(([Name, value]) => ({ Name, Soft: value, Hard: value })),
      ...(network !== undefined && { NetworkMode: network }),
      ...(extraHosts.length > 0 && { ExtraHosts: extraHosts }),
      ...(builder.cpus !== undefined && { NanoCpus: Math.round(builder.cpus * 1e9) }),
      ...(builder.memoryBytes !== undefined && { Memory: builder.memoryBytes }),
      ...(perCard.pids !== undefined && { PidsLimit: perCard.pids }),
    },
  };
}
