// The freshness check of the pinned runner, as a process against a stand-in of GitHub's API.
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { compareVersions, judgeFreshness } from "../../scripts/image/judge-freshness.ts";
import { ROOT } from "./image-under-test.ts";

const DAY_MS = 86_400_000;
const at = (text: string) => Date.parse(`${text}T12:00:00Z`);
const releases = [
  { version: "2.339.0", publishedAt: at("2026-11-10") },
  { version: "2.338.1", publishedAt: at("2026-11-01") },
  { version: "2.338.0", publishedAt: at("2026-10-05") },
];

test("the latest is fresh, and so is one that the API does not list yet", () => {
  expect(judgeFreshness("2.339.0", releases, at("2027-11-01")).fresh).toBe(true);
  expect(judgeFreshness("2.340.0", releases, at("2027-11-01")).fresh).toBe(true);
});

test("the 30 days run from the first newer release, not from the latest", () => {
  expect(judgeFreshness("2.338.0", releases, at("2026-11-21"))).toEqual({
    fresh: false,
    sentence:
      "actions/runner 2.338.0 is in the worker image, 2.339.0 is the latest. 2.338.1 came on 2026-11-01: " +
      "GitHub gives no job to 2.338.0 from 2026-12-01 on, in 10 days. Put 2.339.0 and its two SHA-256 " +
      "(https://github.com/actions/runner/releases/tag/v2.339.0) into worker/image/versions.json and build the images.",
  });
  expect(judgeFreshness("2.338.0", releases, at("2026-11-30")).sentence).toContain("in 1 day.");
});

test("after them it says since when no job comes", () => {
  const { sentence } = judgeFreshness("2.338.0", releases, at("2026-12-01") + 1);
  expect(sentence).toContain("GitHub gives no job to 2.338.0 since 2026-12-01.");
});

test("versions are numbers: 2.100.0 is newer than 2.99.9", () => {
  expect(compareVersions("2.100.0", "2.99.9")).toBeGreaterThan(0);
  expect(compareVersions("2.99.9", "2.100.0")).toBeLessThan(0);
  expect(compareVersions("2.99.9", "2.99.9")).toBe(0);
});

let server: Server | undefined;
afterEach(async () => {
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

async function serve(status: number, body: unknown): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const started = createServer((request, response) => {
    asked.push(request);
    response.writeHead(status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(body));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(started.address() as AddressInfo).port}`, asked };
}

async function check(apiUrl: string, pinned: string, token?: string) {
  const args = [join(ROOT, "scripts", "runner-freshness.ts"), "--api-url", apiUrl, "--pinned", pinned];
  const child = spawn(process.execPath, args, { env: token === undefined ? {} : { GITHUB_TOKEN: token } });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text: text.trim() };
}

const release = (tag: string, changes: object = {}) => ({
  tag_name: tag,
  draft: false,
  prerelease: false,
  published_at: new Date(Date.now() - DAY_MS).toISOString(),
  ...changes,
});

test("code 0: nothing newer but a draft, a preview and another kind of tag", async () => {
  const { url, asked } = await serve(200, [
    release("v2.341.0", { draft: true, published_at: null }),
    release("v2.340.0", { prerelease: true }),
    release("nightly"),
    release("v2.339.0"),
  ]);
  const { code, text } = await check(`${url}/`, "2.339.0", "a-token");
  expect({ code, text }).toEqual({ code: 0, text: "actions/runner 2.339.0 is the latest release." });
  expect(asked.map((request) => [request.url, request.headers.authorization])).toEqual([
    ["/repos/actions/runner/releases?per_page=30", "Bearer a-token"],
  ]);
});

test("code 1: a newer release, with the days that are left", async () => {
  const { url, asked } = await serve(200, [release("v2.339.0"), release("v2.338.0")]);
  const { code, text } = await check(url, "2.338.0");
  expect(code).toBe(1);
  expect(text).toContain("in 29 days.");
  expect(asked[0]?.headers.authorization).toBeUndefined();
});

test.each([
  [403, {}, /answered 403\. Set GITHUB_TOKEN/],
  [200, { message: "hello" }, /did not answer with releases/],
  [200, [], /names no release/],
])("code 2: GitHub answers %d %j", async (status, body, sentence) => {
  const { url } = await serve(status, body);
  const { code, text } = await check(url, "2.338.0");
  expect(code).toBe(2);
  expect(text).toMatch(sentence);
});

test("code 2: GitHub is not reached", async () => {
  const { code, text } = await check("http://127.0.0.1:9", "2.338.0");
  expect(code).toBe(2);
  expect(text).toMatch(/^http:\/\/127\.0\.0\.1:9\/repos.* could not be reached/);
});
