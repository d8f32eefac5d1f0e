// Builders against the endpoints: does each name that a pool's builder is for belong to an endpoint of that pool?
import { editDistance } from "../../domain/admission/labels.ts";
import type { ConfigFault } from "../config.ts";
import type { Draft } from "../draft.ts";

export function checkBuilders(draft: Draft): ConfigFault[] {
  return [...draft.pools].flatMap(([pool, { path, spec }]) => {
    const wanted = "builder" in spec ? (spec.builder?.endpoints ?? []) : [];
    const names = draft.endpoints.flatMap((endpoint) =>
      endpoint.spec.pool === pool ? [endpoint.spec.name] : [],
    );
    return wanted.flatMap((name, index) => {
      if (names.includes(name)) return [];
      const near = names.find((other) => editDistance(other, name) <= 2);
      const choice = names.length === 0 ? "It has none yet." : `Write one of: ${names.join(", ")}.`;
      return [
        {
          path: `${path}.builder.endpoints[${index}]`,
          message: `Pool "${pool}" has no endpoint "${name}", so nobody gets a builder by that name.`,
          fix: near === undefined ? choice : `Did you mean ${near}?`,
        },
      ];
    });
  });
}
