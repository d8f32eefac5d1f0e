// HTTP to GitHub: the environment's proxy, tries, time-outs.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createGithubFetch } from "../../../shared/adapters/github/fetch.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const pauses: number[] = [];
const deps = {
  random: { fraction: () => 0.5 },
  pause: async (ms: number) => {
    pauses.push(ms);
  },
};

describe("proxies", () => {
  test("the environment's proxy is used, but never to this machine itself", async () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.url ?? "");
      response.end("proxied");
    });
    proxy.on("connect", (request, socket) => {
      seen.push(request.url ?? "");
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    const url = await listen(proxy);
    const direct = await listen(createServer((_request, response) => response.end("direct")));
    for (const name of ["http_proxy", "HTTP_PROXY"]) vi.stubEnv(name, url);
    for (const name of ["no_proxy", "NO_PROXY"]) vi.stubEnv(name, "");
    const fetch = createGithubFetch({ ...deps, timeoutMs: 2_000 });
    expect(await (await fetch(direct, {})).text()).toBe("direct");
    expect(seen).toEqual([]);
    await fetch("http://github.invalid/x", { method: "POST" }).then(
      (response) => response.text(),
      () => undefined,
    );
    expect(seen.join()).toContain("github.invalid");
  });
});

test("an answer without end is given up, and not kept", async () => {
  const closed = Promise.withResolvers<void>();
  const url = await listen(
    createServer((_request, response) => {
      response.on("close", () => closed.resolve());
      const more = (): void => {
        while (response.write("x".repeat(100_000)) && !response.destroyed);
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    }),
  );
  const answer = createGithubFetch({ ...deps })(url, { method: "POST" });
  await expect(answer).rejects.toThrow("longer than 10000000 bytes");
  await closed.promise;
});

describe("tries", () => {
  async function attempts(method: string, path: string, status: number, headers = {}): Promise<number> {
    let count = 0;
    const url = await listen(
      createServer((_request, response) => {
        count += 1;
        response.writeHead(status, headers).end();
      }),
    );
    const response = await createGithubFetch(deps)(`${url}${path}`, { method });
    expect(response.status).toBe(status);
    return count;
  }

  test.each<[string, string, number, object, number]>([
    ["GET", "/x", 200, {}, 1],
    ["GET", "/x", 404, {}, 1],
    ["GET", "/x", 500, {}, 2],
    ["DELETE", "/x", 503, {}, 2],
    ["GET", "/x", 503, { "retry-after": "9" }, 1],
    ["POST", "/orgs/a/actions/runners/registration-token", 500, {}, 2],
    ["POST", "/app/installations/1/access_tokens", 502, {}, 2],
    ["POST", "/orgs/a/actions/runners/generate-jitconfig", 500, {}, 1],
  ])("%s %s answered %i %j: %i", async (method, path, status, headers, expected) => {
    expect(await attempts(method, path, status, headers)).toBe(expected);
  });

  test("between two tries it pauses", async () => {
    pauses.length = 0;
    await attempts("GET", "/x", 500);
    expect(pauses).toEqual([400]);
  });

  test("a time-out is not tried again", async () => {
    let count = 0;
    const url = await listen(
      createServer(() => {
        count += 1;
      }),
    );
    // Long enough for a slow machine to connect.
    const fetch = createGithubFetch({ ...deps, timeoutMs: 1_000 });
    await expect(fetch(url, {})).rejects.toMatchObject({ name: "TimeoutError" });
    expect(count).toBe(1);
  });
});

describe("connections that died while they were kept", () => {
  /** Each serves one request; at its second one it is reset, as after a freeze. */
  async function forgetful(): Promise<{ readonly url: string; readonly served: readonly string[] }> {
    const served: string[] = [];
    const used = new WeakSet<object>();
    const url = await listen(
      createServer(({ socket, method }, response) => {
        if (used.has(socket)) {
          socket.resetAndDestroy();
          return;
        }
        used.add(socket);
        served.push(String(method));
        response.end("fine");
      }),
    );
    return { url, served };
  }

  test.each([
    ["GET", "/x"],
    ["DELETE", "/x"],
    ["POST", "/orgs/a/actions/runners/registration-token"],
    ["POST", "/orgs/a/actions/runners/generate-jitconfig"],
    ["POST", "/repos/a/b/check-runs"],
  ])("%s %s passes, and is served once", async (method, path) => {
    const { url, served } = await forgetful();
    const fetch = createGithubFetch(deps);
    // More of them than there are tries.
    await Promise.all(Array.from({ length: 8 }, () => fetch(url, {})));
    expect((await fetch(`${url}${path}`, { method })).status).toBe(200);
    expect(served).toEqual([...Array<string>(8).fill("GET"), method]);
  });
});
