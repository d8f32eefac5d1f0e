// Reads secrets and settings from an environment; reports every fault at once. No zod: the webhook function reads it too.
import { MIN_SECRET_LENGTH } from "../adapters/log/scrub.ts";
import type { EndpointTemplate } from "../domain/admission/endpoint.ts";
import { type Redacted, redact, reveal } from "../redacted.ts";
import type { ConfigFault } from "./config.ts";
import { createEnvReader, type EnvReader, type EnvSource } from "./env-reader.ts";

export type WebhookSecrets = {
  /** The current secret first, then the previous one while it is being replaced. */
  readonly webhookSecrets: readonly Redacted[];
};

type AppKey = {
  readonly appId: string;
  readonly appPrivateKey: Redacted;
};

type GithubSite = {
  /** Without a slash at its end. */
  readonly githubApiUrl: string;
};

export type AppSecrets = AppKey & GithubSite;

export type DispatchSecrets = {
  readonly dispatchSecret: Redacted;
  /** Still accepted for what was signed or sealed with it. */
  readonly dispatchSecretPrevious: Redacted | undefined;
};

export type OperatorSecrets = {
  /** Opens the operator plane; without it there is none. */
  readonly adminKey?: Redacted | undefined;
};

export type ProgramSecrets = {
  /** What endpoints give their programs, by the dispatcher's variable; absent: nothing. */
  readonly programSecrets?: { readonly [variable: string]: Redacted };
};

/** Of the single-process server. */
export type Secrets = GithubSite &
  DispatchSecrets &
  OperatorSecrets &
  ProgramSecrets & {
    /** Undefined: no GitHub App; it serves the API alone. */
    readonly app: (AppKey & WebhookSecrets) | undefined;
  };

export type Read<T> =
  | { readonly ok: true; readonly secrets: T }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * All of them, as the single-process server needs. A function that needs less asks for less. `needsApp`: there is work that
 * only a GitHub App can bring; without it those of an App may all be missing. `variables`: of `secretVariables`.
 */
export function readSecrets(
  source: EnvSource,
  { needsApp, variables = [] }: { readonly needsApp: boolean; readonly variables?: readonly string[] },
): Read<Secrets> {
  const hasApp = needsApp || APP_NAMES.some((name) => source.env[name]?.trim());
  return read(source, (env) => ({
    app: hasApp ? { ...webhookSecrets(env), ...appKey(env) } : undefined,
    ...githubSite(env),
    ...dispatchSecrets(env),
    ...operatorSecrets(env),
    ...programSecrets(env, variables),
  }));
}

const APP_NAMES = ["GITHUB_WEBHOOK_SECRET", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"].flatMap((name) => [
  name,
  `${name}_FILE`,
]);

export function readWebhookSecrets(source: EnvSource): Read<WebhookSecrets> {
  return read(source, webhookSecrets);
}

export function readAppSecrets(source: EnvSource): Read<AppSecrets> {
  return read(source, (env) => ({ ...appKey(env), ...githubSite(env) }));
}

export function readDispatchSecrets(source: EnvSource): Read<DispatchSecrets> {
  return read(source, dispatchSecrets);
}

export function readOperatorSecrets(source: EnvSource): Read<OperatorSecrets> {
  return read(source, operatorSecrets);
}

export function readProgramSecrets(source: EnvSource, variables: readonly string[]): Read<ProgramSecrets> {
  return read(source, (env) => programSecrets(env, variables));
}

/** The variables that hold the secrets of these endpoints' programs, each once. */
export function secretVariables(endpoints: readonly Pick<EndpointTemplate, "secrets">[]): string[] {
  return [...new Set(endpoints.flatMap(({ secrets = {} }) => Object.values(secrets)))];
}

/** Of whichever process. */
export type SomeSecrets = Partial<Secrets & WebhookSecrets & AppSecrets>;

/** Every secret's text, for the log to mask. */
export function secretTexts(secrets: SomeSecrets): string[] {
  const { app, webhookSecrets = app?.webhookSecrets ?? [], appPrivateKey = app?.appPrivateKey } = secrets;
  const all = [
    ...webhookSecrets,
    appPrivateKey,
    secrets.dispatchSecret,
    secrets.dispatchSecretPrevious,
    secrets.adminKey,
    ...Object.values(secrets.programSecrets ?? {}),
  ];
  return all.flatMap((secret) => (secret ? [reveal(secret)] : []));
}

/** GitHub sets no minimum; shorter ones can be guessed offline from one delivery. */
const MIN_WEBHOOK_SECRET = 8;
/** 256 bits as 64 hex digits, or at least 32 characters of something else. */
const MIN_DISPATCH_SECRET = 32;
const MIN_ADMIN_KEY = 32;
const RANDOM_FIX = "Use a random one: openssl rand -hex 32.";

function webhookSecrets(env: EnvReader): WebhookSecrets {
  const current = env.secret("GITHUB_WEBHOOK_SECRET", {
    fix: "Set it to the webhook secret of the GitHub App (App settings, Webhook).",
    minLength: MIN_WEBHOOK_SECRET,
  });
  const previous = env.optionalSecret("GITHUB_WEBHOOK_SECRET_PREVIOUS", {
    fix: "Set it to the secret before the change, or remove it.",
    minLength: MIN_WEBHOOK_SECRET,
  });
  return { webhookSecrets: previous ? [redact(current), redact(previous)] : [redact(current)] };
}

function appKey(env: EnvReader): AppKey {
  const appId = env.text("GITHUB_APP_ID", {
    fix: "Set it to the App ID, a number on the App's settings page (or to its client id).",
    form: /^(\d+|Iv[\w.]+)$/,
  });
  const appPrivateKey = env.secret("GITHUB_APP_PRIVATE_KEY", {
    fix: "Set it to the .pem file's content that GitHub gave you for the App, or name the file in GITHUB_APP_PRIVATE_KEY_FILE.",
    minLength: 1,
  });
  return { appId, appPrivateKey: redact(appPrivateKey) };
}

function githubSite(env: EnvReader): GithubSite {
  const githubApiUrl = env.text("GITHUB_API_URL", {
    fix: "Write https://api.github.com, or https://<host>/api/v3 for a GitHub Enterprise Server.",
    form: /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
    standard: "https://api.github.com",
  });
  return { githubApiUrl: githubApiUrl.replace(/\/+$/, "") };
}

function dispatchSecrets(env: EnvReader): DispatchSecrets {
  const limits = { fix: RANDOM_FIX, minLength: MIN_DISPATCH_SECRET };
  const current = env.secret("DISPATCH_SECRET", limits);
  const previous = env.optionalSecret("DISPATCH_SECRET_PREVIOUS", limits);
  return {
    dispatchSecret: redact(current),
    dispatchSecretPrevious: previous === undefined ? undefined : redact(previous),
  };
}

function operatorSecrets(env: EnvReader): OperatorSecrets {
  const key = env.optionalSecret("ADMIN_KEY", { fix: RANDOM_FIX, minLength: MIN_ADMIN_KEY });
  return { adminKey: key === undefined ? undefined : redact(key) };
}

function programSecrets(env: EnvReader, variables: readonly string[]): ProgramSecrets {
  if (variables.length === 0) return {};
  const rule = {
    fix: "Set it, or name a file in its _FILE: an endpoint in dispatch.yaml gives it to its program.",
    minLength: MIN_SECRET_LENGTH,
  };
  return {
    programSecrets: Object.fromEntries(variables.map((name) => [name, redact(env.secret(name, rule))])),
  };
}

function read<T>(source: EnvSource, parse: (env: EnvReader) => T): Read<T> {
  const env = createEnvReader(source);
  const secrets = parse(env);
  return env.faults.length === 0 ? { ok: true, secrets } : { ok: false, faults: env.faults };
}
