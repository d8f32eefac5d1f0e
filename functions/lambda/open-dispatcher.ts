// The functions that start and end workers, from their environment: SDK, GitHub App, pools.
import { createSeal } from "../../shared/adapters/crypto/seal.ts";
import { createWorkerTokens } from "../../shared/adapters/crypto/worker-token.ts";
import { createDynamoRows } from "../../shared/adapters/dynamodb/dynamo-rows.ts";
import { createSdkTransport } from "../../shared/adapters/dynamodb/sdk-transport.ts";
import { createGithub } from "../../shared/adapters/github/github.ts";
import { createApiStores } from "../../shared/adapters/store/api-stores.ts";
import { createStores } from "../../shared/adapters/store/stores.ts";
import type { HeardClock } from "../../shared/adapters/system/heard-clock.ts";
import { createHeardClock } from "../../shared/adapters/system/heard-clock.ts";
import { systemRandom as random } from "../../shared/adapters/system/random.ts";
import type { Config } from "../../shared/config/config.ts";
import type { EnvSource } from "../../shared/config/env-reader.ts";
import type {
  AppSecrets,
  DispatchSecrets,
  OperatorSecrets,
  ProgramSecrets,
  Read,
} from "../../shared/config/secrets.ts";
import {
  readAppSecrets,
  readDispatchSecrets,
  readOperatorSecrets,
  readProgramSecrets,
  secretVariables,
} from "../../shared/config/secrets.ts";
import type { WorkerTokens } from "../../shared/ports/worker-token.ts";
import { siteUrl } from "../../shared/protocol/github-api.ts";
import type { Redacted } from "../../shared/redacted.ts";
import type { ApiDeps } from "../../shared/usecases/client-plane/api-deps.ts";
import { createDeps, deploymentOf } from "../deps.ts";
import { createPools } from "../pools.ts";
import { ConfigError } from "./config-error.ts";
import { layFoundation } from "./foundation.ts";
import { localPools } from "./local-pools.ts";
import type { Env } from "./settings.ts";

export type Dispatcher = {
  readonly deps: ApiDeps;
  /** That of `deps`. */
  readonly clock: HeardClock;
  readonly tokens: WorkerTokens;
  readonly config: Config;
  readonly publicUrl: string;
  readonly adminKey: Redacted | undefined;
};

/** `isOperated`: the function serves operators, so it may read their key; the others may not. */
export async function openDispatcher(
  env: Env,
  dir: string,
  { isOperated = false } = {},
): Promise<Dispatcher> {
  const needs = isOperated ? { ...NEEDS, names: [...NEEDS.names, "ADMIN_KEY"] } : NEEDS;
  const { settings, config, secrets, log } = await layFoundation(env, dir, needs);
  const { appId, appPrivateKey: privateKey, githubApiUrl: apiUrl } = secrets;
  const publicUrl = publicUrlOf(config, env);
  const local = localPools(config, env, apiUrl);
  const clock = createHeardClock();
  const { call } = createSdkTransport({
    region: settings.region,
    endpoint: settings.endpoints.dynamodb,
    onDate: clock.hearDate,
  });
  const rows = createDynamoRows(call, settings.table);
  const tokens = createWorkerTokens(secrets.dispatchSecret, secrets.dispatchSecretPrevious);
  const stores = createStores(rows, { clock });
  const seal = createSeal(secrets.dispatchSecret, secrets.dispatchSecretPrevious);
  const keep = { marks: stores.marks, seal };
  const deployment = await deploymentOf(stores, random);
  const deps = createDeps({
    config,
    secrets,
    stores: { ...stores, api: createApiStores(rows, { clock }) },
    isDiskLow: () => false,
    clock,
    random,
    log,
    github: createGithub({ app: { appId, privateKey }, apiUrl, clock, random, log, keep }),
    pools: await createPools(config, { ...local, deployment, clock, log }),
    deployment,
    tokens,
    publicUrl,
    githubUrl: siteUrl(apiUrl),
  });
  return { deps, clock, tokens, config, publicUrl, adminKey: secrets.adminKey };
}

const NEEDS = {
  names: ["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "DISPATCH_SECRET", "DISPATCH_SECRET_PREVIOUS"],
  programs: ({ templates }: Config) => secretVariables(templates),
  read: readDispatcherSecrets,
};

function readDispatcherSecrets(
  source: EnvSource,
  { templates }: Config,
): Read<AppSecrets & DispatchSecrets & OperatorSecrets & ProgramSecrets> {
  const app = readAppSecrets(source);
  const dispatch = readDispatchSecrets(source);
  const operator = readOperatorSecrets(source);
  const programs = readProgramSecrets(source, secretVariables(templates));
  if (app.ok && dispatch.ok && operator.ok && programs.ok) {
    const secrets = { ...app.secrets, ...dispatch.secrets, ...operator.secrets, ...programs.secrets };
    return { ok: true, secrets };
  }
  const faults = [app, dispatch, operator, programs].flatMap((read) => (read.ok ? [] : read.faults));
  return { ok: false, faults };
}

/** A custom domain in dispatch.yaml goes before the API's own address, which serverless.yml puts into PUBLIC_URL. */
function publicUrlOf(config: Config, env: Env): string {
  const { PUBLIC_URL: own } = env;
  const url = config.publicUrl ?? own?.trim().replace(/\/+$/, "");
  if (url !== undefined && URL.canParse(url)) return url;
  const message = url === undefined ? "It is not set." : "It is not a URL.";
  const fix = "Set publicUrl in dispatch.yaml to where workers reach the API: https://dispatch.example.org.";
  throw new ConfigError([{ path: "PUBLIC_URL", message, fix }]);
}
