// A pod's one container as the kubelet hands it to whatever runs it: command and environment resolved.
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";

export type ContainerSpec = {
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  readonly image: string;
  /** Undefined: the image's own. */
  readonly command: readonly string[] | undefined;
  readonly env: { readonly [name: string]: string };
  readonly resultPath: string;
};

export type RunningContainer = {
  /** The exit code, once nothing of it lives any more. */
  readonly ended: Promise<number>;
  term(): void;
  kill(): void;
  log(): string;
  /** What it wrote to its termination message path. */
  result(): string;
};

export type PodRunner = (container: ContainerSpec) => RunningContainer;

/** Or what the container waits for, as the kubelet says it. */
export function resolveContainer(
  state: ClusterState,
  pod: KubeObject,
): ContainerSpec | { readonly missing: string } {
  const { namespace = "default", name, uid } = pod.metadata;
  const container = pod.spec.containers[0];
  const refs: string[] = (container.envFrom ?? []).map(({ secretRef }: Json) => secretRef.name);
  const secrets = refs.map((ref) => state.objects.get("Secret", namespace, ref));
  const missing = refs.find((_, index) => secrets[index] === undefined);
  if (missing !== undefined) return { missing: `secret "${missing}" not found` };
  const env: { [name: string]: string } = Object.assign(
    {},
    ...secrets.map((secret) => decoded(secret?.["data"] ?? {})),
  );
  for (const entry of container.env ?? []) env[entry.name] = expand(entry.value ?? "", env);
  const words: string[] | undefined = container.command && [...container.command, ...(container.args ?? [])];
  return {
    pod: name,
    namespace,
    uid,
    image: container.image,
    command: words?.map((word) => expand(word, env)),
    env,
    resultPath: container.terminationMessagePath ?? "/dev/termination-log",
  };
}

function decoded(data: { readonly [key: string]: string }): { [key: string]: string } {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

/** Kubernetes' own expansion: `$(NAME)`, `$$` for a plain `$`, anything else as it is. */
export function expand(text: string, env: { readonly [name: string]: Json }): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : String(env[name] ?? whole),
  );
}
