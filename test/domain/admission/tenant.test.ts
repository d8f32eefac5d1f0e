// Which settings apply to an owner: naming one approves it, so a wrong match would start a stranger's jobs.
import { describe, expect, test } from "vitest";
import type { TenantSettings } from "../../../shared/domain/admission/tenant.ts";
import { DEFAULT_TENANT_SETTINGS, settingsOf } from "../../../shared/domain/admission/tenant.ts";
import { tenantId } from "../../../shared/domain/ids.ts";

function named(owner: string, ownerId?: number): TenantSettings {
  return {
    ...DEFAULT_TENANT_SETTINGS,
    owner,
    ownerId: ownerId === undefined ? undefined : tenantId(ownerId),
  };
}

describe("settings apply", () => {
  test("by login, in any case", () => {
    const acme = named("Acme");
    expect(settingsOf([named("other"), acme], { id: tenantId(1), login: "aCME" })).toBe(acme);
  });

  test("by id, after a rename too", () => {
    const acme = named("Acme", 1);
    expect(settingsOf([named("other"), acme], { id: tenantId(1), login: "renamed" })).toBe(acme);
  });

  test("by id before login", () => {
    const [byLogin, byId] = [named("acme"), named("old-name", 1)];
    expect(settingsOf([byLogin, byId], { id: tenantId(1), login: "acme" })).toBe(byId);
  });
});

describe("settings do not apply", () => {
  test("to an owner that nobody named", () => {
    expect(settingsOf([named("acme")], { id: tenantId(1), login: "acme-2" })).toBeUndefined();
    expect(settingsOf([], { id: tenantId(1), login: "acme" })).toBeUndefined();
  });

  test("to whoever took over the login of an owner named by id", () => {
    expect(settingsOf([named("acme", 1)], { id: tenantId(2), login: "acme" })).toBeUndefined();
  });
});
