// The architecture of a pool's machines, which GitHub's runners carry as a label: told by what else is said of the pool.
import type { Architecture } from "../../domain/admission/labels.ts";
import type { PoolSpec } from "../schema.ts";

const LABELS: { readonly [name: string]: Architecture } = {
  x64: "X64",
  amd64: "X64",
  arm64: "ARM64",
};
/** Set by every kubelet, in Go's names: kubernetes.io/docs/reference/labels-annotations-taints. */
const NODE_LABEL = "kubernetes.io/arch";

/** `machine`: Node's name of the architecture of the machine that reads the configuration. Undefined: not known. */
export function architectureOf(spec: PoolSpec, machine: string): Architecture | undefined {
  const name = toldBy(spec, machine);
  return name === undefined ? undefined : LABELS[name];
}

function toldBy(spec: PoolSpec, machine: string): string | undefined {
  if (spec.driver === "kubernetes") return spec.nodeSelector[NODE_LABEL];
  return spec.driver === "local" || spec.host.startsWith("unix:") ? machine : undefined;
}
