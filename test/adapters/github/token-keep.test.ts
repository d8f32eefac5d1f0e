// Tokens of GitHub's shared by processes: minted once for all, sealed where they are kept, and done without when they are
// not.
import { afterEach, describe, expect, test } from "vitest";
import { createSeal } from "../../../shared/adapters/crypto/seal.ts";
import type { Marked } from "../../../shared/domain/upkeep/marks.ts";
import type { RegistrationToken } from "../../../shared/ports/github.ts";
import { StoreError, type Stores } from "../../../shared/ports/store.ts";
import { redact } from "../../../shared/redacted.ts";
import { type Governed, ORG, SECRET, startGoverned } from "./governed-bench.ts";

const MINUTE_MS = 60_000;
const REGISTRATION = "POST /orgs/octo-org/actions/runners/registration-token";

let bench: Governed;
afterEach(() => bench.stop());
/** All processes sign in the same millisecond: without a nonce in their JWTs the second one would be refused. */
async function start(): Promise<Governed> {
  bench = await startGoverned({ rejectRepeatedJwt: true });
  return bench;
}

const tokenOf = (github: ReturnType<Governed["process"]>): Promise<RegistrationToken> =>
  github.registrationToken(bench.caller, ORG);
const minted = () => bench.routes().filter((route) => route === REGISTRATION).length;

/** The bench's stores, with what is written as a mark kept for a test to look at. */
function watched(marks: Partial<Stores["marks"]> = {}): { from: Stores; written: Marked<"token">[] } {
  const written: Marked<"token">[] = [];
  const from: Stores = {
    ...bench.stores,
    marks: {
      get: bench.stores.marks.get,
      put: async (kind, id, next) => {
        written.push(next as Marked<"token">);
        return await bench.stores.marks.put(kind, id, next);
      },
      ...marks,
    },
  };
  return { from, written };
}

describe("a steady job", () => {
  test("costs at most one call: 100 jobs in 4 hours over 5 processes", async () => {
    const { clock, standIn } = await start();
    const processes = Array.from({ length: 5 }, () => bench.process());
    for (let job = 0; job < 100; job++) {
      await tokenOf(processes[job % 5]!);
      clock.advance(2.4 * MINUTE_MS);
    }
    // A token is used for 55 minutes: 5 registration tokens, and 5 of the installation to ask for them.
    expect(minted()).toBe(5);
    expect(standIn.clientCalls).toHaveLength(10);
  });

  test("a burst before the first token: one call of a kind for each process at most", async () => {
    const { standIn } = await start();
    const processes = Array.from({ length: 5 }, () => bench.process());
    await Promise.all(Array.from({ length: 100 }, (_, job) => tokenOf(processes[job % 5]!)));
    expect(minted()).toBeLessThanOrEqual(5);
    expect(standIn.clientCalls.length).toBeLessThanOrEqual(10);
    const before = standIn.clientCalls.length;
    await tokenOf(bench.process());
    expect(standIn.clientCalls).toHaveLength(before);
  });

  test("a process that starts just before the margin uses the token, one just after mints", async () => {
    const { clock } = await start();
    const first = await tokenOf(bench.process());
    clock.advance(55 * MINUTE_MS - 1);
    expect(await tokenOf(bench.process())).toEqual(first);
    clock.advance(1);
    expect((await tokenOf(bench.process())).token).not.toBe(first.token);
  });

  test("an installation's token serves other calls too, and a revoked one is replaced for all", async () => {
    const { clock, routes, standIn } = await start();
    await tokenOf(bench.process());
    clock.advance(10 * MINUTE_MS);
    standIn.failNext(/^GET .+\/runners/, 401);
    await bench.process().findRunner(bench.caller, ORG, "nobody");
    const mints = () => routes().filter((route) => route.endsWith("/access_tokens")).length;
    expect(mints()).toBe(2);
    await bench.process().findRunner(bench.caller, ORG, "nobody");
    expect(mints()).toBe(2);
  });
});

describe("where tokens are kept", () => {
  test("no token is there in clear, and each goes with its end", async () => {
    const { clock } = await start();
    const { from, written } = watched();
    const { token } = await tokenOf(bench.process({ from }));
    expect(written).toHaveLength(2);
    const text = JSON.stringify(written);
    expect(text).not.toContain(token);
    expect(text).not.toContain("ghs_");
    for (const mark of written) expect(mark.expiresAt).toBe(clock.now() + 60 * MINUTE_MS);
  });

  test("a seal that cannot be opened is as if there were none, and is replaced", async () => {
    await start();
    const first = await tokenOf(bench.process());
    const rotated = redact("another secret, also of thirty-two characters");
    const rotating = createSeal(rotated, SECRET);
    expect(await tokenOf(bench.process({ seal: rotating }))).toEqual(first);
    const second = await tokenOf(bench.process({ seal: createSeal(rotated) }));
    expect(second.token).not.toBe(first.token);
    expect(await tokenOf(bench.process({ seal: createSeal(rotated) }))).toEqual(second);
  });

  test("a sealed token that was put under another name is not opened", async () => {
    await start();
    const { from, written } = watched();
    const ids: string[] = [];
    const put: Stores["marks"]["put"] = async (kind, id, next) => {
      ids.push(id);
      return await from.marks.put(kind, id, next);
    };
    await tokenOf(bench.process({ from: { ...from, marks: { ...from.marks, put } } }));
    const at = ids.findIndex((id) => id.endsWith(" registration organization octo-org"));
    const stolen = { ...written[at]!, version: 1 };
    await bench.stores.marks.put("token", ids[at]!.replace("octo-org", "other-org"), stolen);
    bench.standIn.addOrganization("other-org");
    const caller = {
      owner: { login: "other-org", type: "Organization" as const },
      installationId: undefined,
    };
    await bench.process().registrationToken(caller, { type: "organization", org: "other-org" });
    expect(bench.routes()).toContain("POST /orgs/other-org/actions/runners/registration-token");
  });

  test("what is minted with a person's token never goes there", async () => {
    await start();
    const { from, written } = watched();
    const github = bench.process({ from });
    await github.registrationToken({ ...bench.caller, token: bench.standIn.personalAccessToken }, ORG);
    expect(minted()).toBe(1);
    expect(written).toEqual([]);
  });

  test("a store that fails costs calls, not jobs, and says so once", async () => {
    await start();
    const fail = async () => {
      throw new StoreError("throttled", { retryable: true });
    };
    const { from } = watched({ get: fail, put: fail });
    await tokenOf(bench.process({ from }));
    await tokenOf(bench.process());
    expect(minted()).toBe(2);
    expect(bench.log.of("token-cache-unavailable")).toMatchObject([{ level: "warn" }]);
  });

  test("two that write at once: one is kept, both are used", async () => {
    await start();
    const { from } = watched({ put: async () => false });
    expect((await tokenOf(bench.process({ from }))).token).toBeTruthy();
    expect((await tokenOf(bench.process())).token).toBeTruthy();
  });
});
