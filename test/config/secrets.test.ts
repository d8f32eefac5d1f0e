// Secrets and settings from an environment: every fault at once, nothing printed, texts stay texts.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { EnvSource } from "../../shared/config/env-reader.ts";
import {
  readDispatchSecrets,
  readOperatorSecrets,
  readSecrets,
  readWebhookSecrets,
  secretTexts,
} from "../../shared/config/secrets.ts";
import { readServerSettings } from "../../shared/config/server-settings.ts";
import { reveal } from "../../shared/redacted.ts";

const GOOD = {
  GITHUB_APP_ID: "42",
  GITHUB_APP_PRIVATE_KEY: "-----BEGIN RSA PRIVATE KEY-----\\nx\\n-----END RSA PRIVATE KEY-----",
  GITHUB_WEBHOOK_SECRET: "12345678901234567890",
  DISPATCH_SECRET: "0123456789abcdef0123456789abcdef",
};

const WITH_APP = { needsApp: true };

function source(env: Record<string, string | undefined>, files: Record<string, string> = {}): EnvSource {
  const readFile = (path: string) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    return text;
  };
  return { env, readFile };
}

function faultsOf(env: EnvSource) {
  const read = readSecrets(env, WITH_APP);
  return read.ok ? [] : read.faults;
}

describe("secrets", () => {
  test("all there: redacted, trimmed, numbers stay texts", () => {
    const read = readSecrets(source({ ...GOOD, GITHUB_WEBHOOK_SECRET: " 12345678901234567890\n" }), WITH_APP);
    if (!read.ok) throw new Error(inspect(read.faults));
    const { secrets } = read;
    expect(secrets).toMatchObject({ app: { appId: "42" }, githubApiUrl: "https://api.github.com" });
    expect(secrets.app?.webhookSecrets.map(reveal)).toEqual(["12345678901234567890"]);
    expect(reveal(secrets.dispatchSecret)).toBe(GOOD.DISPATCH_SECRET);
    expect(secrets.dispatchSecretPrevious).toBeUndefined();
    for (const text of secretTexts(secrets)) expect(inspect(secrets, { depth: 9 })).not.toContain(text);
    expect(secretTexts(secrets)).toHaveLength(3);
  });

  test("nothing there: every fault at once, each with a fix", () => {
    const faults = faultsOf(source({ DISPATCH_SECRET: "  " }));
    expect(faults.map(({ path }) => path)).toEqual([
      "GITHUB_WEBHOOK_SECRET",
      "GITHUB_APP_ID",
      "GITHUB_APP_PRIVATE_KEY",
      "DISPATCH_SECRET",
    ]);
    expect(faults.every(({ fix }) => fix.length > 10)).toBe(true);
  });

  test("wrong forms, with no secret in the words", () => {
    const env = {
      ...GOOD,
      GITHUB_APP_ID: "my-app",
      GITHUB_API_URL: "api.github.com",
      GITHUB_WEBHOOK_SECRET: "short77",
      DISPATCH_SECRET: "only-thirty-one-characters-long",
      DISPATCH_SECRET_PREVIOUS: "tiny-secret",
    };
    const faults = faultsOf(source(env));
    expect(faults.map(({ path }) => path)).toEqual([
      "GITHUB_WEBHOOK_SECRET",
      "GITHUB_APP_ID",
      "GITHUB_API_URL",
      "DISPATCH_SECRET",
      "DISPATCH_SECRET_PREVIOUS",
    ]);
    expect(JSON.stringify(faults)).not.toMatch(/short77|thirty-one|tiny-secret/);
  });

  test("from files; a missing file and both forms at once are faults", () => {
    const { GITHUB_APP_PRIVATE_KEY: pem, ...rest } = GOOD;
    const read = readSecrets(
      source({ ...rest, GITHUB_APP_PRIVATE_KEY_FILE: "/k" }, { "/k": `${pem}\n` }),
      WITH_APP,
    );
    expect(read.ok && read.secrets.app && reveal(read.secrets.app.appPrivateKey)).toBe(pem);
    expect(faultsOf(source({ ...rest, GITHUB_APP_PRIVATE_KEY_FILE: "/gone" }))).toMatchObject([
      { path: "GITHUB_APP_PRIVATE_KEY_FILE", message: "The file /gone cannot be read (ENOENT)." },
    ]);
    expect(faultsOf(source({ ...GOOD, DISPATCH_SECRET_FILE: "/k" }))).toMatchObject([
      { path: "DISPATCH_SECRET", fix: "Remove one of them." },
    ]);
  });

  test("rotation: both webhook secrets, the current one first", () => {
    const read = readWebhookSecrets(source({ ...GOOD, GITHUB_WEBHOOK_SECRET_PREVIOUS: "the-old-secret" }));
    expect(read.ok && read.secrets.webhookSecrets.map(reveal)).toEqual([
      GOOD.GITHUB_WEBHOOK_SECRET,
      "the-old-secret",
    ]);
  });

  test("an admin key is optional, and long enough to be none that can be guessed", () => {
    expect(readOperatorSecrets(source({}))).toEqual({ ok: true, secrets: { adminKey: undefined } });
    const key = "k".repeat(32);
    const read = readSecrets(source({ ...GOOD, ADMIN_KEY_FILE: "/k" }, { "/k": `${key}\n` }), WITH_APP);
    if (!read.ok) throw new Error(inspect(read.faults));
    expect(secretTexts(read.secrets)).toContain(key);
    expect(inspect(read.secrets, { depth: 9 })).not.toContain(key);
    expect(faultsOf(source({ ...GOOD, ADMIN_KEY: key.slice(1) }))).toMatchObject([{ path: "ADMIN_KEY" }]);
  });

  test("without work for an App its secrets may be missing, but not some of them", () => {
    const { DISPATCH_SECRET } = GOOD;
    const alone = readSecrets(source({ DISPATCH_SECRET }), { needsApp: false });
    expect(alone).toMatchObject({ ok: true, secrets: { app: undefined } });
    expect(alone.ok && secretTexts(alone.secrets)).toEqual([DISPATCH_SECRET]);
    const some = readSecrets(source({ DISPATCH_SECRET, GITHUB_APP_ID: "42" }), { needsApp: false });
    expect(some).toMatchObject({
      ok: false,
      faults: [{ path: "GITHUB_WEBHOOK_SECRET" }, { path: "GITHUB_APP_PRIVATE_KEY" }],
    });
    const all = readSecrets(source(GOOD), { needsApp: false });
    expect(all).toMatchObject({ ok: true, secrets: { app: { appId: "42" } } });
  });

  test("a function asks only for what it needs", () => {
    expect(readWebhookSecrets(source({ GITHUB_WEBHOOK_SECRET: "long-enough" })).ok).toBe(true);
    expect(readDispatchSecrets(source({ DISPATCH_SECRET: GOOD.DISPATCH_SECRET })).ok).toBe(true);
  });

  test("a GitHub Enterprise Server and a client id", () => {
    const env = { ...GOOD, GITHUB_APP_ID: "Iv23liabc", GITHUB_API_URL: "https://ghe.example.org/api/v3/" };
    const read = readSecrets(source(env), WITH_APP);
    expect(read.ok && read.secrets).toMatchObject({
      app: { appId: "Iv23liabc" },
      githubApiUrl: "https://ghe.example.org/api/v3",
    });
  });
});

describe("server settings", () => {
  test("defaults", () => {
    expect(readServerSettings(source({}))).toEqual({
      ok: true,
      settings: {
        host: "127.0.0.1",
        port: 8080,
        configFile: "dispatch.yaml",
        dataDir: ".npu-dispatch",
        runnerHome: undefined,
        runnersDir: "/var/lib/npu-dispatch-runners",
        logLevel: "info",
      },
    });
  });

  test.each(["0", "1", "8080", "65535"])("port %s", (port) => {
    const read = readServerSettings(source({ PORT: port }));
    expect(read.ok && read.settings.port).toBe(Number(port));
  });

  test.each(["-1", "65536", "99999", "http", "8080.5"])(
    "port %s is a fault, with the other faults",
    (port) => {
      const read = readServerSettings(source({ PORT: port, LOG_LEVEL: "loud" }));
      expect(!read.ok && read.faults.map(({ path }) => path)).toEqual(["PORT", "LOG_LEVEL"]);
    },
  );
});
