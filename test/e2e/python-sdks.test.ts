// RunPod's own Python SDK as worker and as client, unmodified, in each of the Pythons that RUNPOD_PYTHONS names (with commas):
// docs/runpod-sdks.md says how they are made, and which versions have passed.
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiServer } from "./api-server.ts";
import { API_KEY, PROGRAM, startApiServer } from "./api-server.ts";

const PYTHONS = (process.env["RUNPOD_PYTHONS"] ?? "").split(",").filter((path) => path !== "");
const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "programs");
const run = promisify(execFile);

describe.each(PYTHONS)("%s", (python) => {
  describe.each([
    ["a warm worker", {}],
    ["refresh_worker", { REFRESH: "1" }],
  ])("%s", (_what, env) => {
    let server: ApiServer;
    beforeAll(async () => {
      server = await startApiServer({
        program: { command: [python, "-u", join(PROGRAMS, "sdk-handler.py")], env },
      });
    });
    afterAll(() => server.dispose());

    const isHasty = "REFRESH" in env && /^1\.(6\.|7\.0$)/.test(versionOf(python));
    const lengths = isHasty ? [0, 3_000, 7_000, 12_000] : [0, 3_000, 7_000, 12_000, 20_000];
    test.each(lengths)(
      "a handler that blocks for %i ms returns its result",
      async (ms) => {
        expect(await send(server, { echo: ms, ms })).toMatchObject({
          status: "COMPLETED",
          output: { echo: ms },
        });
      },
      60_000,
    );

    test("one that raises fails its job with its words", async () => {
      const ended = await send(server, { fail: "no such model" });
      expect(ended).toMatchObject({ status: "FAILED", error: expect.stringContaining("no such model") });
    }, 60_000);

    test("six at once all return", async () => {
      const sent = await Promise.all([1, 2, 3, 4, 5, 6].map((echo) => send(server, { echo, ms: 100 })));
      expect(sent.map(({ output }) => (output as { echo: number }).echo)).toEqual([1, 2, 3, 4, 5, 6]);
    }, 60_000);
  });

  test("a generator's chunks come in order, large ones too", async () => {
    const server = await startApiServer({
      program: { command: [python, "-u", join(PROGRAMS, "sdk-handler.py")], env: { STREAMS: "1" } },
    });
    try {
      const chunks = ["one", { two: 2 }, "x".repeat(1_500_000)];
      const { id } = await call(server, "run", { chunks });
      const got: unknown[] = [];
      for (let status = "IN_QUEUE"; !["COMPLETED", "FAILED"].includes(status); ) {
        const answer = (await (await at(server, `stream/${id}`)).json()) as Streamed;
        got.push(...answer.stream.map(({ output }) => output));
        status = answer.status;
      }
      expect(got).toEqual(chunks);
    } finally {
      await server.dispose();
    }
  }, 60_000);

  test("its client runs, waits, asks, cancels and counts", async () => {
    const server = await startApiServer();
    try {
      const env = { ...process.env, BASE_URL: `${server.url}/v2`, KEY: API_KEY, ENDPOINT: PROGRAM };
      const { stdout } = await run(python, [join(PROGRAMS, "sdk-client.py")], { env });
      expect(JSON.parse(stdout)).toEqual({
        run: { echo: "run" },
        run_sync: { echo: "sync" },
        status: "COMPLETED",
        cancelled: "CANCELLED",
        health: ["jobs", "workers"],
      });
    } finally {
      await server.dispose();
    }
  }, 60_000);
});

test.skipIf(PYTHONS.length > 0)("without RUNPOD_PYTHONS nothing is tried here", () => {
  expect(PYTHONS).toEqual([]);
});

function versionOf(python: string): string {
  const asked = ["-c", "import runpod; print(runpod.__version__)"];
  return execFileSync(python, asked, { encoding: "utf8" }).trim();
}

type Ended = { readonly id: string; readonly status: string; readonly output?: unknown };
type Streamed = { readonly status: string; readonly stream: readonly { readonly output: unknown }[] };

async function send(server: ApiServer, input: object): Promise<Ended> {
  return await call(server, "runsync", input);
}

async function call(server: ApiServer, path: string, input: object): Promise<Ended> {
  return (await (await at(server, path, JSON.stringify({ input }))).json()) as Ended;
}

function at(server: ApiServer, path: string, body?: string): Promise<Response> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  const url = `${server.url}/v2/${PROGRAM}/${path}`;
  return fetch(url, body === undefined ? { headers } : { method: "POST", headers, body });
}
