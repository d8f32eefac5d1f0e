// A program finds its endpoint's env and secrets; nobody else finds the secrets.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import runpodSdk from "runpod-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { redact } from "../../shared/redacted.ts";
import type { ApiServer } from "./api-server.ts";
import { API_KEY, PROGRAM, startApiServer } from "./api-server.ts";

const SECRET = "hf_secret-of-the-operator";
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer({
    program: { env: { MODEL_NAME: "Qwen" }, secrets: { HF_TOKEN: "LLM_HF_TOKEN" } },
    programSecrets: { LLM_HF_TOKEN: redact(SECRET) },
  });
});
afterAll(() => server.dispose());

async function ask(input: object): Promise<unknown> {
  const endpoint = runpodSdk(API_KEY, { baseUrl: `${server.url}/v2` }).endpoint(PROGRAM);
  return (await endpoint?.runSync({ input }, 20_000))?.output;
}

test("a program has both", async () => {
  expect(await ask({ variable: "MODEL_NAME" })).toEqual({ variable: "Qwen" });
  const digest = createHash("sha256").update(SECRET).digest("hex");
  expect(await ask({ digestOf: "HF_TOKEN" })).toEqual({ digest });
  expect(await ask({ variable: "LLM_HF_TOKEN" })).toBeUndefined();
});

test("no file, log line or answer has the secret", async () => {
  const names = readdirSync(server.dir, { recursive: true, encoding: "utf8" });
  const files = names.map((name) => join(server.dir, name)).filter((file) => statSync(file).isFile());
  const texts = files.map((file) => readFileSync(file, "latin1"));
  expect(texts.length).toBeGreaterThan(1);
  expect([...texts, JSON.stringify(server.log.entries)].join("\n").includes(SECRET)).toBe(false);
});
