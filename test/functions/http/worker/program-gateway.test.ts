// A gateway that replaces our `Connection: close`: a result lost in it fails the job at once, and the words say so.
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { isTerminal } from "../../../../shared/domain/job/job.ts";
import { until } from "../../../e2e/until.ts";
import { apiJobOf, submit } from "../../../fakes/api-world.ts";
import { hostPrograms } from "./program-process.ts";

/** Idle client connections live this long behind the gateway; the job below blocks for longer. */
const GATEWAY_IDLE_MS = 100;

test("a gateway that keeps connections alive for less than a job: the result is lost, the job is not left hanging", async () => {
  await using host = await hostPrograms();
  await using gateway = await startGateway(host.url);
  const { world } = host;
  const input = JSON.stringify({ blockMs: 2_500, output: { answer: 42 } });
  const id = await submit(world, { input: { type: "inline", json: input } });
  await world.settle();
  const worker = world.pool.started[0]?.workerId;
  if (worker === undefined) throw new Error("no worker was started");
  const plane = `${gateway.url}/v2/kandinsky`;
  const program = await host.run(worker, {
    RUNPOD_WEBHOOK_GET_JOB: `${plane}/job-take/$ID?gpu=NPU`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${plane}/job-done/$RUNPOD_POD_ID/$ID?gpu=NPU`,
    RUNPOD_WEBHOOK_PING: `${plane}/ping/$RUNPOD_POD_ID?gpu=NPU`,
    RUNPOD_PING_INTERVAL: "1000",
  });
  await until("the end of the job", async () => isTerminal(await apiJobOf(world, id)), {
    limitMs: 25_000,
    detail: () => program.lines.join("\n"),
  });
  expect(await apiJobOf(world, id)).toMatchObject({
    state: "FAILED",
    api: { error: expect.stringMatching(/lost|given the job 5 times/) },
  });
}, 40_000);

async function startGateway(upstream: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((from, to) => {
    const { connection: _theirs, ...headers } = from.headers;
    const on = request(upstream + from.url, { method: from.method, headers, agent: false }, (answer) => {
      const { connection: _ours, "keep-alive": _alive, ...rest } = answer.headers;
      to.writeHead(answer.statusCode ?? 502, rest);
      answer.pipe(to);
    });
    on.on("error", () => to.destroy());
    from.pipe(on);
  });
  server.keepAliveTimeout = GATEWAY_IDLE_MS;
  server.keepAliveTimeoutBuffer = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
