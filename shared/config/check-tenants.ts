// Tenants and pools among themselves: nobody twice, no group where GitHub has none, no secret in a worker's environment.
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

const SECRET_NAME =
  /^(GITHUB_APP_PRIVATE_KEY|GITHUB_WEBHOOK_SECRET|DISPATCH_SECRET|DISPATCH_ADMIN_KEY)(_FILE|_PREVIOUS)?$/;

export function checkPools({ pools }: Draft): ConfigFault[] {
  return [...pools.values()].flatMap(({ path, spec }) => {
    const secrets = Object.keys(spec.env).filter((name) => SECRET_NAME.test(name));
    const faults: ConfigFault[] = secrets.map((name) => ({
      path: `${path}.env.${name}`,
      message: "Every job could read this secret of the dispatcher.",
      fix: "Remove it; workers do not need it.",
    }));
    if (spec.kind === "cpu" && typeof spec.cards === "number" && spec.cards > 0) {
      const fix = "Remove cards and use maxWorkers to bound it, or write kind: npu or gpu.";
      faults.push({ path: `${path}.cards`, message: "A pool of kind cpu has no cards.", fix });
    }
    return faults;
  });
}
