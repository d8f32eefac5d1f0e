// Whoever gave a webhook with /run: takes POSTs on 127.0.0.1 and keeps them.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type CallbackReceiver = {
  readonly url: string;
  readonly bodies: readonly unknown[];
  close(): Promise<void>;
};

export async function startCallbackReceiver(): Promise<CallbackReceiver> {
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      bodies.push(JSON.parse(Buffer.concat(parts).toString()));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/done`,
    bodies,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
