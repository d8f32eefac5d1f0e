// Tenants appear by themselves when the App is installed; they are pending until the configuration names them.

import type { Tenant, TenantState } from "../../domain/admission/tenant.ts";
import { settingsOf } from "../../domain/admission/tenant.ts";
import type { InstallationEvent } from "../../domain/github-event.ts";
import { tenantId } from "../../domain/ids.ts";
import { StoreError } from "../../ports/store.ts";
import type { Deps } from "../deps.ts";

type InstallationDeps = Pick<Deps, "clock" | "log" | "tenants"> & {
  readonly stores: Pick<Deps["stores"], "tenants">;
};

/** Answers the tenant as it is now. */
export async function receiveInstallation(deps: InstallationDeps, event: InstallationEvent): Promise<Tenant> {
  for (let race = 0; race < 5; race++) {
    const before = await deps.stores.tenants.get(tenantId(event.account.id));
    if (before !== undefined && isLate(event, before)) {
      deps.log.info("installation-event-late", { tenant: before.login, githubEvent: event.action });
      return before;
    }
    const next = advanceTenant(deps, before, event);
    const written =
      before === undefined ? await deps.stores.tenants.create(next) : await deps.stores.tenants.replace(next);
    if (!written) continue;
    deps.log.info("tenant-changed", { tenant: next.login, state: next.state });
    return next;
  }
  throw new StoreError(`tenant ${event.account.login}: other writers were first 5 times; try again`, {
    retryable: true,
  });
}

function advanceTenant(deps: InstallationDeps, before: Tenant | undefined, event: InstallationEvent): Tenant {
  const id = tenantId(event.account.id);
  const login = event.account.login;
  const named = settingsOf(deps.tenants, { id, login }) !== undefined;
  return {
    id,
    version: (before?.version ?? 0) + 1,
    login,
    ownerType: event.account.type,
    installationId: event.installationId,
    installationEvent: { action: event.action, updatedAt: event.updatedAt },
    state: stateAfter(event, before?.state, named),
    updatedAt: deps.clock.now(),
  };
}

/** Of events of one second: `unsuspend` keeps the time of its `suspend`. */
const ORDER: readonly InstallationEvent["action"][] = [
  "created",
  "changed",
  "suspend",
  "unsuspend",
  "deleted",
];

/**
 * Redelivered, or overtaken on its way, by an event that GitHub sent later. An installation ends with `deleted`, and the
 * next one of its owner has a greater id.
 */
function isLate(event: InstallationEvent, { installationId, installationEvent: last }: Tenant): boolean {
  if (installationId !== undefined && installationId !== event.installationId) {
    return event.installationId < installationId;
  }
  if (last === undefined || event.action === "deleted") return false;
  if (last.action === "deleted") return true;
  if (last.updatedAt === undefined || event.updatedAt === undefined) return false;
  if (last.updatedAt !== event.updatedAt) return event.updatedAt < last.updatedAt;
  return ORDER.indexOf(event.action) < ORDER.indexOf(last.action);
}

function stateAfter(event: InstallationEvent, before: TenantState | undefined, named: boolean): TenantState {
  if (event.action === "deleted") return "removed";
  if (event.action === "suspend") return "suspended";
  if (named || before === "approved") return "approved";
  return "pending";
}
