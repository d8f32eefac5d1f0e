// The API reference: /openapi.json for programs, /docs for people. Both are made on the first call.
import { Hono } from "hono";
import { docsPage } from "./docs-page.ts";
import { openapiDocument } from "./openapi.ts";

const HOUR = "public, max-age=3600";
/** The page has no script and loads nothing. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

export function createReferenceApp(): Hono {
  const app = new Hono();
  const document = once(() => JSON.stringify(openapiDocument()));
  const page = once(() => docsPage(openapiDocument()));
  app.get("/openapi.json", (c) =>
    c.body(document(), 200, { "content-type": "application/json", "cache-control": HOUR }),
  );
  app.get("/docs", (c) =>
    c.html(page(), 200, { "cache-control": HOUR, "content-security-policy": PAGE_POLICY }),
  );
  return app;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
