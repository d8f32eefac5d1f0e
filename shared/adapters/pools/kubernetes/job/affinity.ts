// Where a worker's pod goes: away from nodes in trouble or kept for others, and best where its cards were counted.
import type { V1NodeSelectorTerm, V1PodSpec, V1PreferredSchedulingTerm } from "@kubernetes/client-node";
import type { StartSpec } from "../../../../ports/pool-driver.ts";

/** The most that Kubernetes knows: it outweighs the schedulers' own wish to pack or to spread. */
const AWAY_WEIGHT = 100;
/** Less, so that a node in trouble is not the best one. Alone it weighs as much: the scheduler scales the best to 100. */
const TOWARDS_WEIGHT = 50;

/**
 * By the nodes' names, not by the label `kubernetes.io/hostname`, which may say something else. Kubernetes takes one name
 * per requirement here; those of one term must all hold.
 */
export function affinityOf({
  avoid,
  prefer,
}: Pick<StartSpec, "avoid" | "prefer">): Pick<V1PodSpec, "affinity"> {
  const { never = [], rather = [] } = avoid ?? {};
  const preferred = [
    ...(rather.length > 0 ? [preferring(AWAY_WEIGHT, "NotIn", rather)] : []),
    ...(prefer !== undefined ? [preferring(TOWARDS_WEIGHT, "In", [prefer])] : []),
  ];
  if (never.length + preferred.length === 0) return {};
  return {
    affinity: {
      nodeAffinity: {
        ...(never.length > 0 && {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term("NotIn", never)] },
        }),
        ...(preferred.length > 0 && { preferredDuringSchedulingIgnoredDuringExecution: preferred }),
      },
    },
  };
}

type Operator = "In" | "NotIn";

function preferring(weight: number, operator: Operator, names: readonly string[]): V1PreferredSchedulingTerm {
  return { weight, preference: term(operator, names) };
}

function term(operator: Operator, names: readonly string[]): V1NodeSelectorTerm {
  return { matchFields: names.map((name) => ({ key: "metadata.name", operator, values: [name] })) };
}
