// Callbacks over real HTTP: signed, answered by 200 only, and refused where they could reach into a private network.
import { createHmac } from "node:crypto";
import type { lookup as systemLookup } from "node:dns";
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { callbackKey, createCallbackSender } from "../../shared/adapters/callback/callback-sender.ts";
import { isPublicAddress } from "../../shared/adapters/callback/public-address.ts";
import { redact } from "../../shared/redacted.ts";

const SECRET = redact("dispatch-secret-of-today");
const BODY = JSON.stringify({ id: "a-e1", status: "COMPLETED", output: "añ" });
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function receiver(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => answer(request, response, Buffer.concat(parts).toString("utf8")));
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook?a=1`, host: `127.0.0.1:${port}` };
}

describe("a POST", () => {
  test("carries the status and its signature, and 200 is delivered", async () => {
    let seen: { request: IncomingMessage; body: string } | undefined;
    const { url, host } = await receiver((request, response, body) => {
      seen = { request, body };
      response.end();
    });
    const sender = createCallbackSender({ secret: SECRET, allow: [host] });
    expect(await sender.send(url, BODY)).toEqual({ type: "delivered" });
    const { method, url: path, headers } = seen?.request ?? {};
    expect({ method, path, body: seen?.body }).toEqual({ method: "POST", path: "/hook?a=1", body: BODY });
    expect(headers?.["content-type"]).toBe("application/json");
    const mac = createHmac("sha256", callbackKey(SECRET)).update(BODY).digest("hex");
    expect(headers?.["x-npu-dispatch-signature"]).toBe(`sha256=${mac}`);
  });

  test.each([201, 204, 302, 404, 500])(
    "that is answered with %i is not delivered, and goes nowhere else",
    async (status) => {
      let calls = 0;
      const { url, host } = await receiver((_request, response) => {
        calls++;
        response.writeHead(status, { location: `http://${host}/elsewhere` }).end();
      });
      const sender = createCallbackSender({ secret: SECRET, allow: [host] });
      const outcome = await sender.send(url, BODY);
      expect(outcome).toEqual({ type: "failed", message: `it answered ${status}, not 200` });
      expect(calls).toBe(1);
    },
  );

  test("without an answer ends in time", async () => {
    const { url, host } = await receiver(() => {});
    const sender = createCallbackSender({ secret: SECRET, allow: [host], timeoutMs: 50 });
    expect(await sender.send(url, BODY)).toEqual({ type: "failed", message: "no answer within 50 ms" });
  });

  test("to nobody is a failed one", async () => {
    const { url, host } = await receiver(() => {});
    const [server] = servers.splice(0);
    server?.close();
    const sender = createCallbackSender({ secret: SECRET, allow: [host] });
    expect(await sender.send(url, BODY)).toMatchObject({ type: "failed" });
  });
});

describe("refused", () => {
  const sender = createCallbackSender({ secret: SECRET, allow: ["Hooks.internal", "10.0.0.9:8443"] });

  test.each([
    ["nonsense", "not a URL"],
    ["http://example.org/", "https"],
    ["ftp://hooks.internal/", "https"],
    ["https://user:word@example.org/", "user name"],
    ["https://user@hooks.internal/", "user name"],
    ["https://127.0.0.1/", "public internet"],
    ["https://2130706433/", "public internet"],
    ["https://[::1]/", "public internet"],
    ["https://[::ffff:10.0.0.1]/", "public internet"],
    ["https://169.254.169.254/latest/meta-data", "public internet"],
    ["https://10.0.0.9/", "public internet"],
  ])("%s", async (url, why) => {
    expect(sender.refusal(url)).toContain(why);
    expect(await sender.send(url, BODY)).toMatchObject({ type: "failed" });
  });

  test.each([
    "https://example.org/",
    "https://93.184.215.14/",
    "http://hooks.internal:8080/",
    "https://10.0.0.9:8443/",
  ])("not %s", (url) => {
    expect(sender.refusal(url)).toBeUndefined();
  });

  test("a name that leads to a private address, and no byte reaches it", async () => {
    let calls = 0;
    const { host } = await receiver(() => calls++);
    const port = host.split(":")[1];
    const lookup = fakeLookup([{ address: "127.0.0.1", family: 4 }]);
    const outcome = await createCallbackSender({ secret: SECRET, allow: [], lookup }).send(
      `https://rebound.example:${port}/`,
      BODY,
    );
    expect(outcome).toMatchObject({ type: "failed", message: expect.stringContaining("public internet") });
    expect(calls).toBe(0);
  });

  test("a name that is not known", async () => {
    const lookup = fakeLookup(new Error("getaddrinfo ENOTFOUND gone.example"));
    const outcome = await createCallbackSender({ secret: SECRET, allow: [], lookup }).send(
      "https://gone.example/",
      BODY,
    );
    expect(outcome).toEqual({ type: "failed", message: "getaddrinfo ENOTFOUND gone.example" });
  });
});

function fakeLookup(found: Error | { address: string; family: number }[]): typeof systemLookup {
  const lookup = (
    _host: string,
    _options: object,
    done: (error: Error | null, addresses: unknown) => void,
  ) => (found instanceof Error ? done(found, []) : done(null, found));
  return lookup as unknown as typeof systemLookup;
}

describe("addresses", () => {
  test.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.9.9.9",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.19.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "example.org",
    "",
  ])("%s is not public", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["1.1.1.1", "100.128.0.1", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"])(
    "%s is",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});
