// The stand-in for API Gateway: its routes, its events, and what it says of a function that failed.
import { describe, expect, test } from "vitest";
import { startHttpFront } from "../../fakes/lambda/http-front.ts";

describe("the HTTP front", () => {
  const routes = [
    { method: "POST", path: "/hook", function: "hook" },
    { method: "*", path: "/v2/{proxy+}", function: "api" },
  ];

  test.each([
    ["POST", "/hook", 200],
    ["GET", "/hook", 404],
    ["POST", "/hook/more", 404],
    ["GET", "/v2/a/b", 200],
    ["DELETE", "/v2/a", 200],
    ["GET", "/v2/", 404],
    ["GET", "/v3/a", 404],
  ])("%s %s is %i", async (method, path, status) => {
    const invoke = async () => ({ type: "answered" as const, result: { statusCode: 200, body: "ok" } });
    const front = await startHttpFront({ routes, invoke, chance: () => 0.5, base64Share: 0 });
    try {
      expect((await fetch(`${front.url}${path}`, { method })).status).toBe(status);
    } finally {
      await front.stop();
    }
  });

  test.each([0, 1])("makes events of payload 2.0, base64 share %i", async (base64Share) => {
    const events: unknown[] = [];
    const invoke = async (_name: string, event: unknown) => {
      events.push(event);
      const headers = { "content-type": "text/plain", "x-own": "1", connection: "close" };
      const body = Buffer.from("héllo").toString("base64");
      return {
        type: "answered" as const,
        result: { statusCode: 201, headers, cookies: ["a=1"], body, isBase64Encoded: true },
      };
    };
    const front = await startHttpFront({ routes, invoke, chance: () => 0.5, base64Share });
    try {
      const headers = { "X-Mixed": "Case", cookie: "c=1; d=2" };
      const answer = await fetch(`${front.url}/v2/a?b=1&b=2`, { method: "POST", body: "bödy", headers });
      expect([answer.status, await answer.text(), answer.headers.get("x-own")]).toEqual([201, "héllo", "1"]);
      expect(answer.headers.get("set-cookie")).toBe("a=1");
      const text = base64Share === 1 ? Buffer.from("bödy").toString("base64") : "bödy";
      expect(events).toMatchObject([
        {
          version: "2.0",
          routeKey: "ANY /v2/{proxy+}",
          rawPath: "/v2/a",
          rawQueryString: "b=1&b=2",
          cookies: ["c=1", "d=2"],
          headers: { "x-mixed": "Case" },
          requestContext: { http: { method: "POST", path: "/v2/a" } },
          body: text,
          isBase64Encoded: base64Share === 1,
        },
      ]);
    } finally {
      await front.stop();
    }
  });

  test.each([
    [{ type: "throttled" }, 503],
    [{ type: "timed-out", errorMessage: "" }, 503],
    [{ type: "failed", errorType: "E", errorMessage: "secret" }, 500],
  ] as const)("%o is answered without its words", async (outcome, status) => {
    const front = await startHttpFront({
      routes,
      invoke: async () => outcome,
      chance: () => 0.5,
      base64Share: 0,
    });
    try {
      const answer = await fetch(`${front.url}/v2/a`);
      expect(answer.status).toBe(status);
      expect(await answer.text()).not.toContain("secret");
    } finally {
      await front.stop();
    }
  });
});
