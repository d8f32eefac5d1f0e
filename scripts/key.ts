// Makes an API key: `npm run key -- --tenant acme --owner-id 4711`. It is printed once; only its hash is kept.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hashKey, newKey } from "../functions/http/client/auth.ts";
import { createSqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import { systemRandom } from "../shared/adapters/system/random.ts";
import { tenantId } from "../shared/domain/ids.ts";
import { LOGIN_PATTERN } from "../shared/domain/runner-scope.ts";
import type { ApiKey } from "../shared/ports/api-store.ts";
import { StoreError } from "../shared/ports/store.ts";

const USAGE = `usage: npm run key -- --tenant LOGIN --owner-id ID [--name NAME] [--data DIR | --offline]
  --tenant    login of the organization or user whose jobs the key may run
  --owner-id  its numeric id: gh api users/LOGIN --jq .id. Not needed for a tenant that the store knows
  --name      to tell keys apart later (api)
  --data      data folder of a server that is stopped (DISPATCH_DATA, .npu-dispatch)
  --offline   touch no store: print the lines for dispatch.yaml, for a server that runs and for Lambda`;

const OWNER_ID = /^[1-9]\d{0,15}$/;

try {
  await main();
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}

async function main(): Promise<void> {
  const options = parseArgs({
    options: {
      tenant: { type: "string" },
      "owner-id": { type: "string" },
      name: { type: "string", default: "api" },
      data: { type: "string", default: process.env["DISPATCH_DATA"] ?? ".npu-dispatch" },
      offline: { type: "boolean", default: false },
    },
  }).values;
  const { tenant = "", "owner-id": ownerId, name, data, offline } = options;
  if (!LOGIN_PATTERN.test(tenant)) return fail(USAGE);
  if (ownerId !== undefined && !OWNER_ID.test(ownerId)) return fail("--owner-id is a number.");
  const key = newKey(systemRandom);
  if (offline) {
    if (ownerId === undefined) return fail(`--offline needs --owner-id: gh api users/${tenant} --jq .id`);
    console.error(configLines({ tenant, ownerId, name, hash: hashKey(key) }));
  } else {
    const isNew = !existsSync(join(data, "dispatch.db"));
    await store({ hash: hashKey(key), login: tenant, name, createdAt: systemClock.now() }, { ownerId, data });
    console.error(`A key of "${tenant}". It is shown this once; its hash is stored in ${data}.`);
    if (isNew) console.error("There was no store in that folder: start the server with it as its --data.");
  }
  console.log(key);
}

async function store(
  key: Omit<ApiKey, "tenant">,
  { ownerId, data }: { readonly ownerId: string | undefined; readonly data: string },
): Promise<void> {
  const stores = open(data);
  try {
    const known = await stores.tenants.list();
    const tenant = known.find(({ login }) => login.toLowerCase() === key.login.toLowerCase());
    const id = ownerId ?? tenant?.id;
    if (id === undefined) {
      throw new Error(
        `The store does not know "${key.login}" yet: add --owner-id $(gh api users/${key.login} --jq .id).`,
      );
    }
    if (!(await stores.api.apiKeys.create({ ...key, tenant: tenantId(id) }))) {
      throw new Error("A key of this hash exists already. Run the command again.");
    }
  } finally {
    stores.close();
  }
}

function open(data: string) {
  try {
    return createSqliteStores({ file: `${data}/dispatch.db`, clock: systemClock, onChange: () => undefined });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new Error(`${error.message} Or add --offline: it prints the lines for dispatch.yaml.`, {
      cause: error,
    });
  }
}

type Line = {
  readonly tenant: string;
  readonly ownerId: string;
  readonly name: string;
  readonly hash: string;
};

function configLines({ tenant, ownerId, name, hash }: Line): string {
  return `A key of "${tenant}". It is shown this once. Put this into dispatch.yaml and restart:

apiKeys:
  - { owner: ${JSON.stringify(tenant)}, ownerId: ${ownerId}, name: ${JSON.stringify(name)}, hash: ${hash} }
`;
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 2;
}
