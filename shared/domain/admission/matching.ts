// Which endpoint a job's labels ask for, or the reason why none.
import type { Endpoint, EndpointTemplate } from "./endpoint.ts";
import { isPattern, NPUS, runnerLabels } from "./endpoint.ts";
import { isArchitecture, labelSet, missing, normalize } from "./labels.ts";
import { nearLabel } from "./near-label.ts";

export type Catalogue = {
  readonly templates: readonly EndpointTemplate[];
  readonly endpoints: readonly Endpoint[];
};

export type Resolution =
  | { readonly type: "endpoint"; readonly endpoint: Endpoint }
  /** Asks for something of ours that cannot be had: the reason goes to the user. */
  | { readonly type: "near-miss"; readonly reason: string }
  /** Nothing of ours: hosted labels, another controller's, none at all. */
  | { readonly type: "foreign"; readonly reason: string };

/** GitHub gives a runner at most 100 (docs.github.com, REST, "Set custom labels for a self-hosted runner"). */
const MOST_LABELS = 100;

/**
 * A job's labels must all be on the endpoint's runners and contain the endpoint's own selector. A plain
 * `[self-hosted, linux]` therefore starts nothing, though GitHub would let a matching runner take it.
 */
export function resolveEndpoint(labels: readonly string[], catalogue: Catalogue): Resolution {
  if (labels.length > MOST_LABELS) {
    return {
      type: "foreign",
      reason: `it has ${labels.length} labels, no runner has more than ${MOST_LABELS}`,
    };
  }
  const wanted = labelSet(labels);
  if (wanted.length === 0) {
    return { type: "foreign", reason: "the job has no labels (runs-on names only a runner group)" };
  }
  const rejections: string[] = [];
  for (const endpoint of catalogue.endpoints) {
    const rejection = rejectionOf(wanted, endpoint);
    if (rejection === undefined) return { type: "endpoint", endpoint };
    if (rejection.near) rejections.push(rejection.reason);
  }
  const reason = rejections[0] ?? impossibleCount(wanted, catalogue) ?? nearOne(labels, catalogue);
  if (reason !== undefined) return { type: "near-miss", reason };
  return { type: "foreign", reason: `no endpoint has the selector label of [${wanted.join(", ")}]` };
}

/** Why this endpoint does not serve these labels; undefined when it does. `near`: the job asked for this endpoint. */
export function rejectionOf(
  labels: readonly string[],
  endpoint: Endpoint,
): { readonly near: boolean; readonly reason: string } | undefined {
  const wanted = labelSet(labels);
  if (!wanted.includes(normalize(endpoint.selector))) {
    return { near: false, reason: `${endpoint.name}: the job does not ask for "${endpoint.selector}"` };
  }
  // What further labels the runner of an API job has, its request says.
  if (endpoint.startedBy === "api") return undefined;
  const lacking = missing(runnerLabels(endpoint), wanted);
  if (lacking.length === 0) return undefined;
  return { near: true, reason: `${endpoint.name}: ${adviceOf(lacking, endpoint)}` };
}

function adviceOf(lacking: readonly string[], { defaultLabels, architecture }: Endpoint): string {
  if (defaultLabels && architecture !== undefined && lacking.every(isArchitecture)) {
    return `its runners are ${architecture}, not ${quoted(lacking)}; remove it from runs-on or ask for another endpoint`;
  }
  return `its runners do not have ${quoted(lacking)}; remove it from runs-on or add it to the endpoint's labels in dispatch.yaml`;
}

function impossibleCount(wanted: readonly string[], catalogue: Catalogue): string | undefined {
  for (const template of catalogue.templates.filter(isPattern)) {
    const [before = "", after = ""] = normalize(template.selector).split(NPUS);
    for (const label of wanted) {
      const count = countIn(label, before, after);
      if (count === undefined) continue;
      const offered = template.counts.map((allowed) => `${before}${allowed}${after}`);
      return `"${label}": ${count} cards are not offered; ask for ${offered.join(", ")}`;
    }
  }
  return undefined;
}

function countIn(label: string, before: string, after: string): number | undefined {
  if (!label.startsWith(before) || !label.endsWith(after)) return undefined;
  const digits = label.slice(before.length, label.length - after.length);
  return /^(0|[1-9]\d{0,3})$/.test(digits) ? Number(digits) : undefined;
}

function nearOne(labels: readonly string[], catalogue: Catalogue): string | undefined {
  const selectors = catalogue.endpoints.map((endpoint) => endpoint.selector);
  for (const label of labels) {
    const reason = nearLabel(label, selectors);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function quoted(labels: readonly string[]): string {
  return labels.map((label) => `"${label}"`).join(", ");
}
