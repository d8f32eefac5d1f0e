// The API reference: complete, well-formed, and a page that needs nothing from elsewhere.
import type { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { openapiDocument } from "../../../functions/http/reference/openapi.ts";
import { WEBHOOK_PATH } from "../../../functions/http/webhook/app.ts";
import { createApp } from "../../../functions/server.ts";
import { createWorkerTokens } from "../../../shared/adapters/crypto/worker-token.ts";
import { parseConfig } from "../../../shared/config/parse.ts";
import { clientPlaneError } from "../../../shared/protocol/client-plane.ts";
import { redact } from "../../../shared/redacted.ts";
import { createClientWorld } from "./client/client-world.ts";
import { expectPromised } from "./contract.ts";
import { createHttpWorld, deliveryRequest, jsonOf } from "./http-world.ts";

const document = openapiDocument();

/** As `npm start` mounts them; middleware, and what answers 405 and 404, is there for every method. */
async function serverOf(): Promise<Hono> {
  const { deps } = await createClientWorld();
  const parsed = parseConfig(CONFIG);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const secret = redact("a secret of the reference test, long enough");
  const secrets = {
    app: { webhookSecrets: [secret], appId: "1", appPrivateKey: secret },
    githubApiUrl: "http://127.0.0.1:9",
    dispatchSecret: secret,
    dispatchSecretPrevious: undefined,
    adminKey: secret,
  };
  const tokens = createWorkerTokens(secret, undefined);
  return createApp(deps, { config: parsed.config, secrets }, { tokens, publicUrl: "https://dispatch.test" });
}

const CONFIG = `
pools: { local: { driver: local, kind: npu, cards: 8 } }
endpoints: [{ name: "linux-arm64-npu-{npus}", npus: [1, 2], pool: local }]
`;

const promised = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);

test("/openapi.json names every route of the server, and no other", async () => {
  const { routes } = await serverOf();
  const served = routes
    .filter(({ method }) => method !== "ALL")
    .map(({ path, method }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  expect(new Set(promised)).toEqual(new Set(served));
});

/** RunPod's SDK pauses after no other refusal of a poll. */
const refusalAt = (url: string) => (/job-(take|stop)/.test(url) ? 429 : 401);

test("without a credential, and with a method that there is not, each route answers as promised", async () => {
  const app = await serverOf();
  for (const [path, methods] of Object.entries(document.paths)) {
    const url = path.replace(/\{\w+\}/g, "x1");
    for (const method of [...Object.keys(methods), "delete"].map((name) => name.toUpperCase())) {
      const response = await app.request(url, { method });
      const text = await response.text();
      // Deliveries are GitHub's, and these pages anybody's: there another method is simply nothing.
      const isOpen = !/^\/(v2|admin)\//.test(path);
      if (isOpen && method === "DELETE") expect([url, response.status]).toEqual([url, 404]);
      else expectPromised(method, url, response.status, text);
      if (!isOpen && method !== "DELETE") expect([url, response.status]).toEqual([url, refusalAt(url)]);
    }
  }
});

test("a path at which there is nothing is a 404 in the same form", async () => {
  const response = await (await serverOf()).request("/v2/a/b/c/d/e");
  expect([response.status, clientPlaneError.parse(await response.json()).title]).toEqual([404, "Not found"]);
});

test("a delivery's answers are promised: taken up, not needed, unsigned, broken", async () => {
  const world = createHttpWorld();
  const word = world.github.queue();
  const send = async (body: string, options?: Parameters<typeof deliveryRequest>[1]) => {
    const response = await world.webhook.request(deliveryRequest(body, options));
    expectPromised("POST", WEBHOOK_PATH, response.status, await response.text());
    return response.status;
  };
  expect(await send(jsonOf(word))).toBe(202);
  expect(await send("{}", { event: "ping" })).toBe(200);
  expect(await send("{}", { event: "star" })).toBe(202);
  expect(await send("{}", { signature: null })).toBe(401);
  expect(await send("{")).toBe(400);
  expect(await send(" ".repeat(2_000_000))).toBe(413);
});

test("the schemas have every field of the protocol: what our worker sends, and what RunPod's SDK does", () => {
  const parametersOf = (path: string) => {
    const operation = Object.values(document.paths[path] ?? {})[0];
    return operation?.parameters.filter(({ in: place }) => place === "query").map(({ name }) => name);
  };
  expect(parametersOf("/v2/{endpoint}/ping/{worker}")).toEqual([
    "gpu",
    "job_id",
    "phase",
    "job_name",
    "started",
    "status",
    "check",
    "reason",
    "runpod_version",
  ]);
  expect(parametersOf("/v2/{endpoint}/job-done/{worker}/{job}")).toEqual(["gpu", "isStream"]);
  expect(document.components.schemas["StartedJob"]).toMatchObject({
    required: ["repository", "repositoryId", "runId", "runAttempt", "job", "workflowRef", "event"],
  });
});

describe("the document", () => {
  test("has an answer, a summary and a security for each operation, and every path parameter", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) {
        expect(operation.summary, path).not.toBe("");
        expect(operation["security"], path).toBeDefined();
        expect(operation.responses["200"], path).toBeDefined();
        const names = operation.parameters.filter((one) => one.in === "path").map(({ name }) => name);
        expect(names, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      }
    }
  });

  test("has every schema and answer that it refers to", () => {
    for (const [, kind = "", name = ""] of JSON.stringify(document).matchAll(
      /#\/components\/(\w+)\/(\w+)/g,
    )) {
      expect(document.components[kind], `${kind}/${name}`).toHaveProperty(name);
    }
  });

  test("is served as it is, without a credential", async () => {
    const response = await (await serverOf()).request("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });
});

test("/docs names every route and loads nothing", async () => {
  const response = await (await serverOf()).request("/docs");
  const page = await response.text();
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  for (const path of Object.keys(document.paths)) expect(page).toContain(path);
  expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\/(?!json-schema)/);
});
