// Admission of posted objects: Kueue's webhook, a test's webhook, service accounts, pod security, limits, quotas.
import type { ClusterState } from "../cluster-state.ts";
import type { Json } from "../objects.ts";
import { applyLimitRanges, checkQuotas } from "./quota.ts";
import { badRequest, forbidden, type Resource, webhookDenied } from "./status.ts";

/** Throws a StatusError, or returns the object as it is to be stored. */
export function admit(
  state: ClusterState,
  resource: Resource,
  namespace: string,
  posted: Json,
  dryRun: boolean,
): Json {
  const object = structuredClone(posted);
  const { rules } = state;
  if (dryRun && rules.webhookWithoutDryRun) {
    throw badRequest('admission webhook "audit.example.org" does not support dry run');
  }
  const denial = rules.webhook?.(object);
  if (denial !== undefined) throw webhookDenied("policy.example.org", denial);
  if (rules.kueue && object.metadata.labels?.["kueue.x-k8s.io/queue-name"] && resource.kind === "Job") {
    object.spec.suspend = true;
  }
  if (resource.kind === "Pod") {
    checkNamed(state, resource, namespace, object);
    checkPodSecurity(state, resource, namespace, object);
    applyLimitRanges(state, namespace, resource, object);
  }
  checkQuotas(state, namespace, resource, object);
  return object;
}

/** kube-apiserver 1.36: what a pod names and the cluster does not have is forbidden by the admission plugin in charge. */
function checkNamed(
  { rules, objects }: ClusterState,
  resource: Resource,
  namespace: string,
  pod: Json,
): void {
  const { serviceAccountName: account = "default", priorityClassName, runtimeClassName } = pod.spec;
  const isThere =
    account === "default"
      ? !rules.serviceAccountsLate
      : objects.get("ServiceAccount", namespace, account) !== undefined;
  if (!isThere) {
    const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
    throw forbidden(resource, nameOf(pod), why);
  }
  if (priorityClassName !== undefined && !objects.get("PriorityClass", undefined, priorityClassName)) {
    throw forbidden(resource, nameOf(pod), `no PriorityClass with name ${priorityClassName} was found`);
  }
  if (runtimeClassName !== undefined && !objects.get("RuntimeClass", undefined, runtimeClassName)) {
    throw forbidden(resource, nameOf(pod), `pod rejected: RuntimeClass "${runtimeClassName}" not found`);
  }
}

const BASELINE = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
function checkPodSecurity(state: ClusterState, resource: Resource, namespace: string, pod: Json): void {
  const labels = state.objects.get("Namespace", undefined, namespace)?.metadata.labels ?? {};
  const enforced: string | undefined = labels["pod-security.kubernetes.io/enforce"];
  const level = enforced ?? "privileged";
  const faults = [
    ...(level === "privileged" ? [] : baselineFaults(pod.spec)),
    ...(level === "restricted" ? restrictedFaults(pod.spec) : []),
  ];
  if (faults.length === 0) return;
  throw forbidden(resource, nameOf(pod), `violates PodSecurity "${level}:latest": ${faults.join(", ")}`);
}

function baselineFaults(spec: Json): string[] {
  const host = (spec.volumes ?? []).filter((volume: Json) => volume.hostPath !== undefined);
  return [
    ...(host.length > 0 ? [`hostPath volumes (volume "${host[0].name}")`] : []),
    ...(spec.hostNetwork || spec.hostPID || spec.hostIPC ? ["host namespaces"] : []),
    ...spec.containers.flatMap(({ name, securityContext: context = {} }: Json) => {
      const strange = (context.capabilities?.add ?? []).filter(
        (capability: string) => !BASELINE.has(capability),
      );
      return [
        ...(context.privileged
          ? [`privileged (container "${name}" must not set securityContext.privileged=true)`]
          : []),
        ...(strange.length > 0
          ? [
              `non-default capabilities (container "${name}" must not include "${strange.join()}" in securityContext.capabilities.add)`,
            ]
          : []),
      ];
    }),
  ];
}

function restrictedFaults(spec: Json): string[] {
  return spec.containers.flatMap(({ name, securityContext: context = {} }: Json) => [
    ...(context.allowPrivilegeEscalation === false
      ? []
      : [
          `allowPrivilegeEscalation != false (container "${name}" must set securityContext.allowPrivilegeEscalation=false)`,
        ]),
    ...(context.capabilities?.add?.length > 0
      ? [
          `unrestricted capabilities (container "${name}" must not include "${context.capabilities.add.join('", "')}" in securityContext.capabilities.add)`,
        ]
      : []),
    // kube-apiserver 1.36: a user id other than 0 is not enough.
    ...((context.runAsNonRoot ?? spec.securityContext?.runAsNonRoot) === true
      ? []
      : [`runAsNonRoot != true (pod or container "${name}" must set securityContext.runAsNonRoot=true)`]),
  ]);
}

function nameOf({ metadata }: Json): string {
  return metadata?.name ?? metadata?.generateName ?? "";
}
