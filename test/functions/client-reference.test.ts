// The API reference: complete, well-formed, and a page that needs nothing from elsewhere.
import type { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { openapiDocument } from "../../functions/http/openapi.ts";
import { createClientWorld } from "./client-world.ts";

const document = openapiDocument();

function routesOf(app: Pick<Hono, "routes">): Set<string> {
  const routes = app.routes.filter(({ path, method }) => path.startsWith("/v2/") && method !== "ALL");
  return new Set(routes.map(({ path, method }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`));
}

test("/openapi.json names every public route of both planes, and no other", async () => {
  const world = await createClientWorld();
  const promised = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(new Set(promised)).toEqual(routesOf(world.app));
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
    const world = await createClientWorld();
    const response = await world.app.request("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });
});

test("/docs names every route and loads nothing", async () => {
  const world = await createClientWorld();
  const response = await world.app.request("/docs");
  const page = await response.text();
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  for (const path of Object.keys(document.paths)) expect(page).toContain(path);
  expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\/(?!json-schema)/);
});
