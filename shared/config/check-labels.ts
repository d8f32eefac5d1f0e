// Labels across all endpoints: names and selectors are unique, and a selector chooses one endpoint only.
import { type Endpoint, expandEndpoint } from "../domain/admission/endpoint.ts";
import { isGeneric, normalize } from "../domain/admission/labels.ts";
import type { ConfigFault } from "./config.ts";
import type { Draft } from "./draft.ts";
import { resolveEndpoint } from "./resolve.ts";

/** A worker id, a path and a Kubernetes label may hold the name: 63 characters. */
const MAX_NAME = 63;
const MAX_LABEL = 256;

type Placed = { readonly path: string; readonly endpoint: Endpoint };

export function checkLabels(draft: Draft): ConfigFault[] {
  const placed = draft.endpoints.flatMap(({ path, spec }) => {
    const kind = draft.pools.get(spec.pool)?.spec.kind ?? "npu";
    return expandEndpoint(resolveEndpoint(spec, { kind })).map((endpoint) => ({ path, endpoint }));
  });
  return [
    ...placed.flatMap(checkName),
    ...duplicates(placed, "name"),
    ...placed.flatMap(checkSelector),
    ...duplicates(placed, "selector"),
    ...foreignSelectors(placed),
  ];
}

function checkName({ path, endpoint }: Placed): ConfigFault[] {
  const fits = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(endpoint.name) && endpoint.name.length <= MAX_NAME;
  if (fits) return [];
  return [
    {
      path: `${path}.name`,
      message: `"${endpoint.name}" cannot be a name.`,
      fix: `Use at most ${MAX_NAME} lower-case letters, digits and dashes, with no dash at either end.`,
    },
  ];
}

function checkSelector({ path, endpoint }: Placed): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (isGeneric(endpoint.selector)) {
    faults.push({
      path: `${path}.selector`,
      message: `"${endpoint.selector}" stands for GitHub's own or for any self-hosted runner; it would catch jobs meant for others.`,
      fix: "Choose a label of your own, for example linux-arm64-npu-1.",
    });
  }
  const long = [endpoint.selector, ...endpoint.labels].find((label) => label.length > MAX_LABEL);
  if (long !== undefined) {
    faults.push({
      path: `${path}.labels`,
      message: `The label "${long.slice(0, 30)}…" has ${long.length} characters; GitHub allows ${MAX_LABEL}.`,
      fix: "Shorten it.",
    });
  }
  return faults;
}

function duplicates(placed: readonly Placed[], key: "name" | "selector"): ConfigFault[] {
  const first = new Map<string, Placed>();
  return placed.flatMap((entry) => {
    const text = entry.endpoint[key];
    const earlier = first.get(normalize(text));
    if (!earlier) {
      first.set(normalize(text), entry);
      return [];
    }
    // A pattern whose counts share a selector has been told so.
    if (earlier.path === entry.path) return [];
    return [
      {
        path: `${entry.path}.${key}`,
        message: `The ${key} "${text}" is already that of ${earlier.path}.`,
        fix: `Give each endpoint a ${key} of its own.`,
      },
    ];
  });
}

/** A runner with another endpoint's selector would be given that endpoint's jobs. */
function foreignSelectors(placed: readonly Placed[]): ConfigFault[] {
  const owners = new Map(placed.map((entry) => [normalize(entry.endpoint.selector), entry.endpoint.name]));
  return placed.flatMap(({ path, endpoint }) =>
    endpoint.labels.flatMap((label, index) => {
      const owner = owners.get(normalize(label));
      if (owner === undefined || owner === endpoint.name) return [];
      return [
        {
          path: `${path}.labels[${index}]`,
          message: `The label "${label}" is the selector of endpoint ${owner}: its jobs would land here.`,
          fix: "Remove the label, or give one of the two endpoints another selector.",
        },
      ];
    }),
  );
}
