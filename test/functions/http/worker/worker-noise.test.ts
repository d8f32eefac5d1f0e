// Malformed calls of the worker plane: whatever comes in, it is never a fault of ours.
import { expect, test } from "vitest";
import { seededRandom } from "../../../fakes/seeded-random.ts";
import { ENDPOINT, started } from "../http-world.ts";

test("a few hundred malformed requests: never a 5xx", async () => {
  const { world, worker, job, tokens } = await started();
  const { fraction } = seededRandom(7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(fraction() * items.length)]!;
  const junk = [
    "",
    "%",
    "%E0%A4%A",
    "%00",
    "&",
    "..",
    "{",
    "null",
    "[]",
    "0",
    "x".repeat(3_000),
    "ä",
    '"',
    "__proto__",
    "%2F",
  ];
  const bodies = [
    ...junk,
    "true",
    '{"output":',
    '{"output":{"outcome":"ran"}}',
    '{"error":7}',
    '{"output":null}',
    "{}",
    JSON.stringify({ error: "e".repeat(900_000) }),
  ];
  for (let n = 0; n < 400; n++) {
    const ids = [worker, `${worker}&a=1`, pick(junk)];
    const action = pick(["job-take", "registration", "ping", "job-done", pick(junk)]);
    const query = pick([
      "",
      `?boot=${pick(junk)}`,
      `?phase=${pick(junk)}&job_name=${pick(junk)}`,
      `?registration=${pick(["jit", "token", pick(junk)])}`,
    ]);
    const path = `/v2/${pick([ENDPOINT, pick(junk)])}/${action}/${pick(ids)}${pick(["", `/${job}`, `/${pick(junk)}`])}${query}`;
    const method = pick(["GET", "POST", "PUT", "HEAD"]);
    const token = pick([tokens.right, tokens.right, tokens.old, "a.b.c", "npudw1..", "x".repeat(2_000)]);
    const body = method === "GET" || method === "HEAD" ? {} : { body: pick(bodies) };
    const request = { method, headers: { authorization: token }, ...body };
    const response = await world.workerPlane.request(path, request);
    expect(response.status, `${method} ${path.slice(0, 200)}`).toBeLessThan(500);
  }
  expect(world.log.of("worker-call-failed")).toEqual([]);
});
