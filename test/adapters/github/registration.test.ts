// Registration tokens, the App's identity and the right installation, as they arrive at a server.
import { verify } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller } from "../../../shared/ports/github.ts";
import { APP_KEYS, type Bench, mints, type Script, START, startBench } from "./github-server.ts";

const org: RunnerScope = { type: "organization", org: "acme" };
const repository: RunnerScope = { type: "repository", owner: "ann", repo: "app" };
const acme = (installationId?: number): Caller => ({
  owner: { login: "acme", type: "Organization" },
  installationId,
});
const ann = (installationId?: number): Caller => ({ owner: { login: "ann", type: "User" }, installationId });

const ORG_TOKEN = "POST /orgs/acme/actions/runners/registration-token";
const mint = (id: number) => `POST /app/installations/${id}/access_tokens`;
const registration = (token = "AABRTOKEN") => ({
  status: 201,
  body: { token, expires_at: new Date(START + 3_600_000).toISOString() },
});

let bench: Bench;
afterEach(async () => await bench.close());
const start = async (script: Script) => {
  bench = await startBench(script);
  return bench;
};

describe("registration tokens", () => {
  test("one request for many callers, reused until 5 minutes before the end", async () => {
    const { github, clock, routes } = await start({ ...mints(1), [ORG_TOKEN]: registration() });
    const many = await Promise.all(Array.from({ length: 20 }, () => github.registrationToken(acme(1), org)));
    expect(new Set(many.map(({ token }) => token))).toEqual(new Set(["AABRTOKEN"]));
    expect(routes()).toEqual([mint(1), ORG_TOKEN]);
    clock.advance(54 * 60_000);
    await github.registrationToken(acme(1), { type: "organization", org: "ACME" });
    expect(routes()).toHaveLength(2);
    clock.advance(61_000);
    await github.registrationToken(acme(1), org);
    expect(routes()).toHaveLength(4);
  });

  test("each scope has its own; a user's repository asks there", async () => {
    const path = "POST /repos/ann/app/actions/runners/registration-token";
    const { github } = await start({
      ...mints(2),
      [path]: registration("B"),
      [ORG_TOKEN]: registration("A"),
    });
    expect((await github.registrationToken(ann(2), repository)).token).toBe("B");
    expect((await github.registrationToken(acme(2), org)).token).toBe("A");
  });

  test("a failure is not remembered; 5xx and lost connections are tried once more", async () => {
    const lost = { status: 0, hangUp: true };
    const { github, routes } = await start({
      ...mints(3),
      "GET /orgs/acme/installation": { status: 200, body: { id: 3 } },
      [ORG_TOKEN]: [{ status: 502 }, lost, { status: 403, body: { message: "no" } }, registration()],
    });
    await expect(github.registrationToken(acme(3), org)).rejects.toMatchObject({ fault: "unavailable" });
    await expect(github.registrationToken(acme(3), org)).rejects.toMatchObject({ fault: "forbidden" });
    expect((await github.registrationToken(acme(3), org)).token).toBe("AABRTOKEN");
    expect(routes().filter((route) => route === ORG_TOKEN)).toHaveLength(4);
  });
});

describe("identity", () => {
  test("the App signs RS256 with its id, backdated, under 10 minutes, never twice the same", async () => {
    const { github, asked } = await start({
      ...mints(4),
      ...mints(5),
      [ORG_TOKEN]: [registration()],
      "DELETE /orgs/acme/actions/runners/1": { status: 204 },
    });
    await github.registrationToken(acme(4), org);
    await github.deleteRunner(acme(5), org, 1);
    const jwts = asked
      .filter(({ path }) => path.endsWith("access_tokens"))
      .map(({ headers }) => headers.authorization?.replace("bearer ", "") ?? "");
    expect(new Set(jwts).size).toBe(2);
    const [head = "", claims = "", signature = ""] = jwts[0]?.split(".") ?? [];
    const signed = Buffer.from(`${head}.${claims}`);
    expect(verify("sha256", signed, APP_KEYS.publicKey, Buffer.from(signature, "base64url"))).toBe(true);
    const { iat, exp, iss, jti } = JSON.parse(Buffer.from(claims, "base64url").toString());
    expect({ iss, jti }).toEqual({ iss: "42", jti: expect.stringMatching(/^.{24}$/) });
    expect(iat).toBe(START / 1_000 - 60);
    expect(exp - START / 1_000).toBeLessThan(600);
  });

  test("every call pins the API version and names itself; GitHub's calls carry the installation token", async () => {
    const { github, asked } = await start({ ...mints(6), [ORG_TOKEN]: registration() });
    await github.registrationToken(acme(6), org);
    for (const { headers } of asked) {
      expect(headers).toMatchObject({ "x-github-api-version": "2022-11-28", "user-agent": "npu-dispatch" });
    }
    expect(asked[1]?.headers.authorization).toMatch(/^token ghs_/);
  });

  test("an installation token is reused for 55 minutes and replaced once when refused", async () => {
    const runner = "DELETE /orgs/acme/actions/runners/1";
    const refused = { status: 401, body: { message: "Bad credentials" } };
    const { github, clock, routes } = await start({
      ...mints(7),
      [runner]: [{ status: 204 }, { status: 204 }, refused, { status: 204 }, refused, refused],
    });
    await github.deleteRunner(acme(7), org, 1);
    clock.advance(54 * 60_000);
    await github.deleteRunner(acme(7), org, 1);
    expect(routes()).toEqual([mint(7), runner, runner]);
    expect(await github.deleteRunner(acme(7), org, 1)).toBe("deleted");
    expect(routes().slice(3)).toEqual([runner, mint(7), runner]);
    await expect(github.deleteRunner(acme(7), org, 1)).rejects.toMatchObject({ fault: "unauthorized" });
  });
});

describe("installations", () => {
  test("a wrong hint is corrected by GitHub's own answer, once", async () => {
    const { github, routes, warnings } = await start({
      ...mints(8),
      "GET /orgs/acme/installation": { status: 200, body: { id: 8 } },
      "DELETE /orgs/acme/actions/runners/1": { status: 204 },
    });
    expect(await github.deleteRunner(acme(999), org, 1)).toBe("deleted");
    expect(await github.deleteRunner(acme(999), org, 1)).toBe("deleted");
    expect(routes().filter((route) => route === mint(999))).toHaveLength(1);
    expect(routes().filter((route) => route.endsWith("/installation"))).toHaveLength(1);
    expect(warnings.map(({ event }) => event)).toEqual(["installation-corrected"]);
  });

  test("another owner's installation may be refused with 403", async () => {
    const { github } = await start({
      ...mints(10),
      ...mints(11),
      "GET /orgs/acme/installation": { status: 200, body: { id: 11 } },
      [ORG_TOKEN]: [
        { status: 403, body: { message: "Resource not accessible by integration" } },
        registration(),
      ],
    });
    expect((await github.registrationToken(acme(10), org)).token).toBe("AABRTOKEN");
  });

  test("without a hint it is looked up: users by user, renamed owners by their repository", async () => {
    const { github, routes } = await start({
      ...mints(12),
      "GET /repos/ann/app/installation": { status: 200, body: { id: 12 } },
      "POST /repos/ann/app/actions/runners/registration-token": registration(),
    });
    await github.registrationToken(ann(), repository);
    expect(routes().slice(0, 2)).toEqual(["GET /users/ann/installation", "GET /repos/ann/app/installation"]);
  });

  test("no installation is a sentence, also for a delete", async () => {
    const { github } = await start({});
    const error = await github.deleteRunner(acme(999), org, 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ fault: "not-found", retryable: false });
    expect(String(error)).toContain("The GitHub App is not installed for acme");
  });
});
