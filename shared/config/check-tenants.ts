// Tenants and pools among themselves: nobody twice, no group where GitHub has none, no secret in a worker's environment.
import { checkNames } from "./check-env.ts";
import type { ConfigFault } from "./config.ts";
import type { Draft } from "./draft.ts";

export function checkTenants({ tenants }: Draft): ConfigFault[] {
  const owners = new Map<string, string>();
  return tenants.flatMap(({ path, spec }) => {
    const faults: ConfigFault[] = [];
    const keys = [
      ["owner", spec.owner.toLowerCase()],
      ...(spec.ownerId ? [["ownerId", `${spec.ownerId}`]] : []),
    ];
    for (const [field, key] of keys as [string, string][]) {
      const earlier = owners.get(`${field} ${key}`);
      if (earlier === undefined) {
        owners.set(`${field} ${key}`, path);
        continue;
      }
      const message = `${earlier} names the same owner.`;
      faults.push({ path: `${path}.${field}`, message, fix: "Keep one entry for each owner." });
    }
    if (spec.level === "repository" && spec.runnerGroup !== undefined) {
      faults.push({
        path: `${path}.runnerGroup`,
        message: "Runners of a repository have no groups.",
        fix: "Remove runnerGroup, or write level: organization.",
      });
    }
    return faults;
  });
}

export function checkPools({ pools, endpoints }: Draft): ConfigFault[] {
  return [...pools].flatMap(([name, { path, spec }]) => {
    const served = endpoints.filter(({ spec: { pool } }) => pool === name);
    const programs = served.length > 0 && served.every(({ spec: { command } }) => command !== undefined);
    const faults = checkNames(spec.env, { path: `${path}.env`, runs: programs ? "programs" : "jobs" });
    if (spec.kind === "cpu" && typeof spec.cards === "number" && spec.cards > 0) {
      const fix = "Remove cards and use maxWorkers to bound it, or write kind: npu or gpu.";
      faults.push({ path: `${path}.cards`, message: "A pool of kind cpu has no cards.", fix });
    }
    return faults;
  });
}
