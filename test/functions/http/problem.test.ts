// The one shape of every refusal.
import { Hono } from "hono";
import { expect, test } from "vitest";
import { problem } from "../../../functions/http/problem.ts";

async function answer(retryAfterMs?: number) {
  const app = new Hono();
  app.get("/", (c) =>
    problem(c, {
      status: 429,
      title: "Not now",
      detail: "come back",
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }),
  );
  const response = await app.request("/");
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    body: await response.json(),
  };
}

test("RFC 9457's fields and RunPod's error say the same", async () => {
  expect(await answer()).toEqual({
    status: 429,
    retryAfter: null,
    body: { title: "Not now", status: 429, detail: "come back", error: "come back" },
  });
});

test.each([
  [1, "1"],
  [1_000, "1"],
  [1_001, "2"],
])("%i ms is retry-after: %s, rounded up to whole seconds", async (ms, header) => {
  expect(await answer(ms)).toMatchObject({ retryAfter: header, body: { retryAfterMs: ms } });
});
