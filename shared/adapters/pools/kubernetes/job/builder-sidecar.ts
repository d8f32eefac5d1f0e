// Adds the builder to a worker's pod: a native sidecar
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/), which starts before the worker and ends with
// it, so that the Job ends too. Needs Kubernetes 1.29.
import type { V1Container, V1PodSpec, V1VolumeMount } from "@kubernetes/client-node";
import type { StartSpec } from "../../../../ports/pool-driver.ts";
import {
  BUILDER_CAPABILITIES,
  BUILDER_COMMAND,
  builderEnv,
  builderFor,
  FOLDER_VARIABLE,
} from "../../builder.ts";
import { BUILDER, CONTAINER } from "../names.ts";
import type { KubernetesBuilder, KubernetesSettings } from "../settings.ts";

const VOLUME = "builder";

type Who = { readonly spec: StartSpec; readonly settings: KubernetesSettings };

/** The pod as it is for a worker without one. */
export function withBuilder(pod: V1PodSpec, { spec, settings }: Who): V1PodSpec {
  const builder = builderFor(settings.builder, spec);
  if (builder === undefined) return pod;
  const given = pod.containers[0]?.volumeMounts?.find(({ mountPath }) => mountPath === builder.folder);
  const mount = given ?? { name: VOLUME, mountPath: builder.folder };
  const own = given === undefined;
  return {
    ...pod,
    ...(own && { volumes: [...(pod.volumes ?? []), { name: VOLUME, emptyDir: {} }] }),
    initContainers: [sidecar(builder, settings, mount)],
    containers: pod.containers.map((container) =>
      container.name === CONTAINER ? withFolder(container, builder, own ? [mount] : []) : container,
    ),
  };
}

/** The pool's own variables come first, as for every other. */
function withFolder(
  container: V1Container,
  { folder }: KubernetesBuilder,
  mounts: readonly V1VolumeMount[],
): V1Container {
  const env = container.env ?? [];
  const named = env.some(({ name }) => name === FOLDER_VARIABLE);
  return {
    ...container,
    env: named ? env : [...env, { name: FOLDER_VARIABLE, value: folder }],
    ...(mounts.length > 0 && { volumeMounts: [...(container.volumeMounts ?? []), ...mounts] }),
  };
}

/**
 * Not the worker's Secret, and no card. The pod has no service account's token, its seccomp profile and its volumes'
 * group are the worker's. Root, for kaniko unpacks images; what it may as root is in BUILDER_CAPABILITIES.
 */
function sidecar(
  builder: KubernetesBuilder,
  settings: KubernetesSettings,
  mount: V1VolumeMount,
): V1Container {
  const amounts = Object.fromEntries(
    Object.entries({
      cpu: builder.cpu,
      memory: builder.memory,
      "ephemeral-storage": builder.ephemeralStorage,
    }).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, amount]])),
  );
  return {
    name: BUILDER,
    image: builder.image,
    imagePullPolicy: settings.imagePullPolicy,
    restartPolicy: "Always",
    // `$$` is a plain `$` to Kubernetes.
    command: BUILDER_COMMAND.map((word) => word.replaceAll("$", "$$$$")),
    env: Object.entries(builderEnv(builder, settings.env)).map(([name, value]) => ({
      name,
      value: value.replaceAll("$", "$$$$"),
    })),
    resources: { requests: amounts, limits: amounts },
    volumeMounts: [mount],
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      privileged: false,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"], add: [...BUILDER_CAPABILITIES] },
    },
  };
}
