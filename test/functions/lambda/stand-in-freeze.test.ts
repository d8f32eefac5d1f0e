// What the stand-in for Lambda does to the connections of a sandbox that it freezes.
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Lambda, startLambda } from "../../fakes/lambda/lambda.ts";
import { startRecorder } from "../../fakes/recorder.ts";

const PROBE = join(import.meta.dirname, "..", "..", "fixtures", "lambda", "probe.mjs");
let lambda: Lambda | undefined;

afterEach(async () => {
  await lambda?.stop();
  lambda = undefined;
});

test.each([
  ["are as they were after a short freeze", { deadAfterMs: 60_000 }, "same", { deadConnections: 0 }],
  ["may be reset after a long one", { deadAfterMs: 0, silentShare: 0 }, "ECONNRESET", { deadWrites: 1 }],
  ["may be silent after a long one", { deadAfterMs: 0, silentShare: 1 }, "silence", { deadWrites: 1 }],
])("%s", async (_, freezes, expected, stats) => {
  const server = await startRecorder(() => ({ status: 200, body: "" }));
  try {
    const fn = { bundle: PROBE, env: {}, timeoutMs: 5_000 };
    const at = startLambda({ functions: { fn }, seed: 1, freezes });
    lambda = at;
    const visit = async () =>
      ((await at.invoke("fn", { url: server.endpoint })) as { result: unknown }).result;
    const first = await visit();
    expect(first).toBe(server.heard[0]?.port);
    expect(await visit()).toBe(expected === "same" ? first : expected);
    expect(at.stats()["fn"]).toMatchObject(stats);
  } finally {
    await server.stop();
  }
});
