// Which SDK's connection stays open while its job runs, by the name that it sends.
import { once } from "node:events";
import { Agent, get, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { afterEach, expect, test } from "vitest";
import { endpointName } from "../../../../shared/domain/ids.ts";
import { POOL, TENANT } from "../../../domain/builders.ts";
import { ENDPOINT_NAME } from "../../../fakes/api-world.ts";
import { tokensOf } from "../http-world.ts";
import { startedProgram } from "./started-program.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Takes the job as that client does; answers the header, and the server's end of the connection behind it. */
async function take(userAgent: string) {
  const { world, worker } = await startedProgram();
  const server = createAdaptorServer({ fetch: world.workerPlane.fetch }) as Server;
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const claims = { worker, pool: POOL, endpoint: endpointName(ENDPOINT_NAME), tenant: TENANT };
  const agent = new Agent({ keepAlive: true });
  ends.push(() => agent.destroy());
  ends.push(() => void server.close());
  const [answer] = await once(
    get(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/${ENDPOINT_NAME}/job-take/${worker}?x`,
      {
        agent,
        headers: { authorization: tokensOf(claims).right, "user-agent": userAgent },
      },
    ),
    "response",
  );
  answer.resume();
  await once(answer, "end");
  return { header: answer.headers.connection, socket: sockets[0]! };
}

test.each(["RunPod-Python-SDK/1.6.2 (Linux 5.4; x86_64) Language/Python 3.8.5", "RunPod-Python-SDK/1.7.0"])(
  "%s: open, with no idle limit",
  async (userAgent) => {
    const { header, socket } = await take(userAgent);
    expect(header).toBe("keep-alive");
    await expect.poll(() => socket.timeout).toBe(0);
    expect(socket.destroyed).toBe(false);
  },
);

test.each([
  "RunPod-Python-SDK/1.7.1 (Linux)",
  "RunPod-Python-SDK/1.7.13",
  "RunPod-Python-SDK/1.12.0",
  "curl/8",
])("%s: closed", async (userAgent) => {
  const { header, socket } = await take(userAgent);
  expect(header).toBe("close");
  await expect.poll(() => socket.destroyed).toBe(true);
});
