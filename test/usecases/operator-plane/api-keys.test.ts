// API keys by an operator: listed, made, and revoked for good, wherever they are kept.
import { describe, expect, test } from "vitest";
import { createApiAuth, hashKey, newKey } from "../../../functions/http/client/auth.ts";
import { bindOperatorUseCases } from "../../../functions/http/operator/use-cases.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { ApiKey } from "../../../shared/ports/api-store.ts";
import type { OidcVerifier } from "../../../shared/ports/oidc.ts";
import { OWNER, TENANT } from "../../domain/builders.ts";
import { operatorWorld } from "./operator-world.ts";

const IN_FILE = `npud_${"f".repeat(40)}`;
const configured: ApiKey = {
  hash: hashKey(IN_FILE),
  tenant: TENANT,
  login: OWNER.login,
  name: "in the file",
  createdAt: 0,
};
const ORDER = { reason: "it was in a build log", by: "admin" };
const asked = { login: OWNER.login, ownerId: Number(TENANT), name: "ci", by: "admin" };

function createKeys(keys: readonly ApiKey[] = [configured]) {
  const world = operatorWorld();
  const { deps } = world;
  const useCases = bindOperatorUseCases(deps, keys);
  const authenticate = createApiAuth({
    apiKeys: deps.apiStores.apiKeys,
    configuredKeys: keys,
    oidc: { verify: () => Promise.reject(new Error("no token is sent here")) } as OidcVerifier,
    tenantStore: deps.stores.tenants,
    tenants: deps.tenants,
  });
  const opens = async (key: string) => {
    const who = await authenticate(`Bearer ${key}`);
    return who.type === "refused" ? who.reason : who.caller.login;
  };
  const idOf = (key: string) => hashKey(key).slice(0, 12);
  const revoke = (key: string) => useCases.revokeKey({ ...ORDER, id: idOf(key) });
  return { world, useCases, opens, revoke, idOf };
}

describe("a new key", () => {
  test("opens the API, is listed by digits of its hash, and is nowhere itself", async () => {
    const { world, useCases, opens, idOf } = createKeys();
    const { key, outcome } = await useCases.makeKey(asked);
    expect(outcome).toEqual({ type: "done", message: `API key ${idOf(key)} of "${OWNER.login}" is made` });
    expect(await opens(key)).toBe(OWNER.login);
    const { keys, more } = await useCases.listKeys();
    expect(keys.map(({ id, from, name }) => [id, from, name])).toEqual([
      [idOf(IN_FILE), "dispatch.yaml", "in the file"],
      [idOf(key), "store", "ci"],
    ]);
    expect(more).toBe(false);
    expect(JSON.stringify([keys, world.log.entries])).not.toContain(key);
    expect(JSON.stringify(keys)).not.toContain(hashKey(key));
  });

  test("of an owner whose id nothing here knows is refused", async () => {
    const { useCases, opens } = createKeys();
    const { key, outcome } = await useCases.makeKey({ ...asked, login: "nobody", ownerId: undefined });
    expect(outcome).toMatchObject({
      type: "refused",
      message: expect.stringContaining("gh api users/nobody"),
    });
    expect(await opens(key)).toBe("unknown credential");
  });

  test("of an owner that has the App needs no id; that it is no tenant yet is said", async () => {
    const { world, useCases, opens } = createKeys();
    await world.stores.tenants.create({
      id: tenantId(4999),
      version: 1,
      login: "Initech",
      ownerType: "Organization",
      installationId: 1,
      state: "pending",
      updatedAt: world.now(),
    });
    const { key, outcome } = await useCases.makeKey({ ...asked, login: "initech", ownerId: undefined });
    expect(outcome.message).toContain("opens nothing before");
    expect(await opens(key)).toBe("not a tenant");
  });
});

describe("a revoked key", () => {
  test("is refused from the next call on, of the store and of dispatch.yaml", async () => {
    const { world, useCases, opens, revoke, idOf } = createKeys();
    const { key } = await useCases.makeKey(asked);
    for (const one of [key, IN_FILE]) {
      expect(await opens(one)).toBe(OWNER.login);
      expect((await revoke(one)).message).toContain("refused from now on");
      expect(await opens(one)).toBe("a revoked API key");
    }
    const { keys } = await useCases.listKeys();
    expect(new Map(keys.map(({ id, from }) => [id, from]))).toEqual(
      new Map([
        [idOf(key), "store"],
        [idOf(IN_FILE), "dispatch.yaml"],
      ]),
    );
    for (const { revoked } of keys) expect(revoked).toMatchObject(ORDER);
    expect(world.log.of("operator-order").map(({ reason }) => reason)).toEqual([
      "key-made",
      "key-revoked",
      "key-revoked",
    ]);
  });

  test("leaves the others alone, and a second order changes nothing", async () => {
    const { world, useCases, opens, revoke } = createKeys();
    const [one, other] = [await useCases.makeKey(asked), await useCases.makeKey(asked)];
    await revoke(one.key);
    world.clock.advance(1_000);
    expect((await revoke(one.key)).message).toContain("revoked before");
    expect(await opens(other.key)).toBe(OWNER.login);
    expect(world.log.of("operator-order")).toHaveLength(3);
  });

  test("that nobody has is unknown; digits of two are too few", async () => {
    const twins = ["0", "1"].map((end): ApiKey => ({ ...configured, hash: "c".repeat(63) + end }));
    const { useCases, revoke } = createKeys(twins);
    expect((await revoke(newKey({ token: (length) => "z".repeat(length) }))).type).toBe("unknown");
    expect((await useCases.revokeKey({ ...ORDER, id: "c".repeat(12) })).type).toBe("refused");
    expect((await useCases.revokeKey({ ...ORDER, id: twins[0]?.hash ?? "" })).type).toBe("done");
  });
});
