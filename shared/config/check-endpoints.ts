// Endpoints against the pools: does the pool exist, does the number of cards fit, do the limits make sense?
import { NPUS } from "../domain/admission/endpoint.ts";
import { editDistance } from "../domain/admission/labels.ts";
import { checkEnv } from "./check-env.ts";
import type { ConfigFault } from "./config.ts";
import type { Draft, Entry } from "./draft.ts";
import { parseDuration } from "./duration.ts";
import type { EndpointSpec, PoolSpec } from "./schema.ts";

export function checkEndpoints(draft: Draft): ConfigFault[] {
  return draft.endpoints.flatMap((endpoint) => [
    ...checkPattern(endpoint),
    ...checkPool(endpoint, draft),
    ...checkLimits(endpoint),
    ...checkEnv(endpoint),
  ]);
}

function checkPattern({ path, spec }: Entry<EndpointSpec>): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const pattern = spec.name.includes(NPUS);
  if (pattern && !spec.npus) {
    faults.push({
      path: `${path}.npus`,
      message: `The name "${spec.name}" is a pattern, but its card counts are missing.`,
      fix: "Add npus, for example npus: [1, 2, 4, 8], or write the number into the name.",
    });
  }
  if (!pattern && spec.npus) {
    faults.push({
      path: `${path}.npus`,
      message: `The name "${spec.name}" has no {npus}, so npus has no effect.`,
      fix: "Put {npus} into the name where the number goes, or write cards: <number> instead of npus.",
    });
  }
  if (pattern && spec.cards !== undefined) {
    faults.push({
      path: `${path}.cards`,
      message: "A pattern's cards are its {npus}.",
      fix: "Remove cards; npus says which counts there are.",
    });
  }
  if (pattern && spec.selector !== undefined && !spec.selector.includes(NPUS)) {
    faults.push({
      path: `${path}.selector`,
      message: "All counts of the pattern would have the same selector.",
      fix: `Put {npus} into the selector, for example "${spec.selector}-{npus}", or remove it.`,
    });
  }
  return faults;
}

function checkPool({ path, spec }: Entry<EndpointSpec>, draft: Draft): ConfigFault[] {
  if (!draft.poolNames.has(spec.pool)) {
    const names = [...draft.poolNames];
    const near = names.find((name) => editDistance(name, spec.pool) <= 2);
    const fix = near ? `Did you mean ${near}?` : `Write one of: ${names.join(", ")}; or add it under pools.`;
    return [{ path: `${path}.pool`, message: `There is no pool "${spec.pool}".`, fix }];
  }
  const pool = draft.pools.get(spec.pool);
  if (!pool) return [];
  return [
    ...(spec.npus ?? []).flatMap((cards, index) =>
      checkCount(cards, `${path}.npus[${index}]`, spec.pool, pool.spec),
    ),
    ...(spec.cards === undefined ? [] : checkCount(spec.cards, `${path}.cards`, spec.pool, pool.spec)),
  ];
}

/** A worker without cards fits every pool. */
function checkCount(cards: number, path: string, name: string, pool: PoolSpec): ConfigFault[] {
  if (cards === 0) return [];
  if (pool.kind === "cpu") {
    return [
      { path, message: `Pool "${name}" is of kind cpu and has no cards.`, fix: "Write 0, or another pool." },
    ];
  }
  if (pool.cards !== "auto" && cards > pool.cards) {
    return [
      {
        path,
        message: `Pool "${name}" has ${pool.cards} cards; ${cards} never fit.`,
        fix: `Write at most ${pool.cards}, or correct cards of pool ${name}.`,
      },
    ];
  }
  if (pool.allowedCounts && !pool.allowedCounts.includes(cards)) {
    return [
      {
        path,
        message: `Pool "${name}" does not allow ${cards} cards for one worker.`,
        fix: `Write one of ${pool.allowedCounts.join(", ")}, or add ${cards} to allowedCounts of pool ${name}.`,
      },
    ];
  }
  return [];
}

/** https://docs.github.com/actions/reference/limits: a job on a self-hosted runner ends after 5 days. */
const GITHUB_JOB_MS = 5 * 24 * 3_600_000;

function checkLimits({ path, spec }: Entry<EndpointSpec>): ConfigFault[] {
  return Object.entries(spec.limits).flatMap(([limit, text]) => {
    const at = `${path}.limits.${limit}`;
    const ms = parseDuration(text ?? "") ?? 0;
    if (ms === 0)
      return [{ path: at, message: "A limit of no time ends every worker.", fix: "Write at least 1s." }];
    if (ms <= GITHUB_JOB_MS) return [];
    return [{ path: at, message: "GitHub ends every job after 5 days.", fix: "Write at most 5d." }];
  });
}
