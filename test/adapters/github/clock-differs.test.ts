// This machine's clock differs from GitHub's: what is signed goes by GitHub's, and the log says so once.
import { afterEach, expect, test } from "vitest";
import type { Asked, Bench } from "./github-server.ts";
import { INSTALLATION_TOKEN, START, startBench } from "./github-server.ts";

const HOUR_MS = 3_600_000;
let bench: Bench | undefined;
afterEach(async () => {
  await bench?.close();
});

const acme = { owner: { login: "Acme", type: "Organization" }, installationId: 7 } as const;
const org = { type: "organization", org: "Acme" } as const;

test.each([
  ["ahead of", HOUR_MS],
  ["behind", -HOUR_MS],
])(
  "an hour %s: the first refusal tells the time, and every call after it is taken",
  async (where, aheadMs) => {
    bench = await startBench(
      {
        "POST /app/installations/7/access_tokens": (asked) => judged(asked),
        "GET /app/hook/deliveries": (asked) => judged(asked, []),
        "POST /orgs/Acme/actions/runners/registration-token": {
          status: 201,
          body: { token: "AREG", expires_at: new Date(START + HOUR_MS).toISOString() },
        },
      },
      { clock: { now: () => START + aheadMs } },
    );
    await bench.github.deliveries();
    await bench.github.deliveries();
    expect(await bench.github.registrationToken(acme, org)).toMatchObject({ token: "AREG" });
    expect(bench.routes().filter((route) => route === "GET /app/hook/deliveries")).toHaveLength(3);
    const said = bench.warnings.filter(({ event }) => event === "clock-differs");
    expect(said).toHaveLength(1);
    expect(said[0]?.fields?.message).toContain(`3600 s ${where} GitHub's`);
  },
);

test("a clock that is a few seconds off is not spoken of", async () => {
  bench = await startBench(
    { "GET /app/hook/deliveries": (asked) => judged(asked, []) },
    { clock: { now: () => START + 20_000 } },
  );
  await bench.github.deliveries();
  expect(bench.warnings).toEqual([]);
});

/** As GitHub judges the App's JWT: made a minute from now at the latest, good for ten minutes at most. */
function judged({ headers }: Asked, body?: unknown) {
  const token = String(headers.authorization).replace(/^bearer /i, "");
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  const isGood =
    claims.iat * 1_000 <= START + 60_000 &&
    claims.exp * 1_000 > START &&
    claims.exp * 1_000 <= START + 600_000;
  if (!isGood)
    return {
      status: 401,
      body: {
        message:
          "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
      },
    };
  const minted = {
    token: INSTALLATION_TOKEN,
    expires_at: new Date(START + HOUR_MS).toISOString(),
    permissions: {},
    repository_selection: "all",
  };
  return body === undefined ? { status: 201, body: minted } : { status: 200, body };
}
