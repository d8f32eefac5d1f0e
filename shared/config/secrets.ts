// Reads secrets and settings from an environment; reports every fault at once. No zod: the webhook function reads it too.
import { type Redacted, redact, reveal } from "../redacted.ts";
import type { ConfigFault } from "./config.ts";
import { createEnvReader, type EnvReader, type EnvSource } from "./env-reader.ts";

export type WebhookSecrets = {
  /** The current secret first, then the previous one while it is being replaced. */
  readonly webhookSecrets: readonly Redacted[];
};

export type AppSecrets = {
  readonly appId: string;
  readonly appPrivateKey: Redacted;
  /** Without a slash at its end. */
  readonly githubApiUrl: string;
};

export type DispatchSecrets = {
  readonly dispatchSecret: Redacted;
  /** Still accepted for what was signed or sealed with it. */
  readonly dispatchSecretPrevious: Redacted | undefined;
};

export type OperatorSecrets = {
  /** Opens the operator plane; without it there is none. */
  readonly adminKey?: Redacted | undefined;
};

export type Secrets = WebhookSecrets & AppSecrets & DispatchSecrets & OperatorSecrets;

export type Read<T> =
  | { readonly ok: true; readonly secrets: T }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** All of them, as the single-process server needs. A function that needs less asks for less. */
export function readSecrets(source: EnvSource): Read<Secrets> {
  return read(source, (env) => ({
    ...webhookSecrets(env),
    ...appSecrets(env),
    ...dispatchSecrets(env),
    ...operatorSecrets(env),
  }));
}

export function readWebhookSecrets(source: EnvSource): Read<WebhookSecrets> {
  return read(source, webhookSecrets);
}

export function readAppSecrets(source: EnvSource): Read<AppSecrets> {
  return read(source, appSecrets);
}

export function readDispatchSecrets(source: EnvSource): Read<DispatchSecrets> {
  return read(source, dispatchSecrets);
}

export function readOperatorSecrets(source: EnvSource): Read<OperatorSecrets> {
  return read(source, operatorSecrets);
}

/** Every secret's text, for the log to mask. */
export function secretTexts(secrets: Partial<Secrets>): string[] {
  const all = [
    ...(secrets.webhookSecrets ?? []),
    secrets.appPrivateKey,
    secrets.dispatchSecret,
    secrets.dispatchSecretPrevious,
    secrets.adminKey,
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

function appSecrets(env: EnvReader): AppSecrets {
  const appId = env.text("GITHUB_APP_ID", {
    fix: "Set it to the App ID, a number on the App's settings page (or to its client id).",
    form: /^(\d+|Iv[\w.]+)$/,
  });
  const appPrivateKey = env.secret("GITHUB_APP_PRIVATE_KEY", {
    fix: "Set it to the .pem file's content that GitHub gave you for the App, or name the file in GITHUB_APP_PRIVATE_KEY_FILE.",
    minLength: 1,
  });
  const githubApiUrl = env.text("GITHUB_API_URL", {
    fix: "Write https://api.github.com, or https://<host>/api/v3 for a GitHub Enterprise Server.",
    form: /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
    standard: "https://api.github.com",
  });
  return { appId, appPrivateKey: redact(appPrivateKey), githubApiUrl: githubApiUrl.replace(/\/+$/, "") };
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

function read<T>(source: EnvSource, parse: (env: EnvReader) => T): Read<T> {
  const env = createEnvReader(source);
  const secrets = parse(env);
  return env.faults.length === 0 ? { ok: true, secrets } : { ok: false, faults: env.faults };
}
