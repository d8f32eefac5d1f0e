// A planted secret never survives, wherever it stands; ordinary text does.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MIN_SECRET_LENGTH, scrub } from "../../../shared/adapters/log/scrub.ts";

const chars = (unit: string, length: number, most = length) =>
  fc.string({ minLength: length, maxLength: most, unit: fc.constantFrom(...unit) });
const WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** What must not survive, and the text that is planted to carry it. */
type Planted = { readonly hidden: string; readonly text: string };
const whole = (text: string): Planted => ({ hidden: text, text });

const token: fc.Arbitrary<Planted> = fc.oneof(
  fc
    .tuple(fc.constantFrom("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), chars(WORD, 36))
    .map(([a, b]) => whole(a + b)),
  fc
    .tuple(chars("0123456789", 6), chars(WORD, 100, 500))
    .map(([id, jwt]) => whole(`ghs_${id}_eyJ${jwt}.eyJ${jwt}.${jwt}`)),
  chars(`${WORD}_`, 82).map((text) => whole(`github_pat_${text}`)),
  fc.tuple(chars(WORD, 20, 60), chars(`${WORD}-_`, 20, 200)).map(([a, b]) => whole(`eyJ${a}.eyJ${b}.${b}`)),
  chars(`${WORD}+/`, 100, 400).map((text) => whole(`eyIu${text}==`)),
  chars("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 28).map((text) => whole(`A${text}`)),
  fc
    .tuple(fc.constantFrom("RSA PRIVATE KEY", "PRIVATE KEY"), chars(`${WORD}+/\n`, 60, 300))
    .map(([kind, body]) => ({
      hidden: body,
      text: `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----`,
    })),
  chars(`${WORD}!#$%&*+`, 12, 40).map((text) => ({ hidden: text, text: `Bearer ${text}` })),
  chars(WORD, 12, 40).map((text) => ({ hidden: text, text: `authorization: token ${text}` })),
  chars(WORD, 12, 40).map((text) => ({ hidden: text, text: `https://user:${text}@proxy:3128` })),
);

describe("scrub", () => {
  test("no token survives in any position of any text", () => {
    fc.assert(
      fc.property(fc.string(), token, fc.string(), (before, { hidden, text }, after) => {
        expect(scrub(`${before}${text}${after}`)).not.toContain(hidden);
      }),
      { numRuns: 500 },
    );
  });

  test("no registered secret survives, as written, in a URL or in JSON", () => {
    const secret = fc
      .string({ minLength: MIN_SECRET_LENGTH, unit: "grapheme" })
      .filter((text) => !text.includes("*"));
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.string(),
        (before, secrets, after) => {
          const [planted = ""] = secrets;
          const url = encodeURIComponent(planted);
          const json = JSON.stringify(planted).slice(1, -1);
          const clean = scrub(`${before}${planted} ${url} ${json}${after}`, secrets);
          expect(clean).not.toContain(planted);
          expect(clean).not.toContain(url);
          expect(clean).not.toContain(json);
        },
      ),
    );
  });

  test.each([
    "worker npud-abc123-k3j9x0q2lm started on pool local with 2 cards",
    "GET https://api.github.com/orgs/acme/actions/runners?name=npud-a-1 404",
    "linux-aarch64-a2-8 ABCDEF 100520616165 72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "commit 16c5286e8d9a0629956a28938386b36608707a71",
  ])("ordinary text stays: %s", (text) => {
    expect(scrub(text)).toBe(text);
  });

  test("a key that is cut off is masked to the end", () => {
    expect(scrub("key -----BEGIN RSA PRIVATE KEY-----\\nMIIabc")).toBe("key ***");
  });

  test.each([
    ["BEARER abc", "BEARER ***"],
    ["bearer%20abc", "bearer ***"],
    ["Authorization: Basic YTpi", "Authorization: Basic ***"],
    ['"AUTHORIZATION":"token abc"', '"AUTHORIZATION":"token ***"'],
    ["socks://u:p@h", "socks://***@h"],
    ["ghz_0123456789", "***"],
    ["github_pat_0123456789", "***"],
    ["eyI0123456789", "***"],
    [`A${"0".repeat(27)}`, "***"],
    ["-----BEGIN PRIVATE KEY-----", "***"],
  ])("the least that is masked: %s", (text, clean) => {
    expect(scrub(text)).toBe(clean);
    expect(scrub(`x${text}`)).toBe(`x${clean}`);
  });

  test("texts too short for a secret are not registered", () => {
    expect(scrub("abc", ["abc", ""])).toBe("abc");
  });

  test("a megabyte of near misses takes no noticeable time", () => {
    // By the processor's clock: on a machine that others use too the wall's says little.
    const start = process.cpuUsage();
    for (const piece of ["eyJ", "-----BEGIN ", "A", "ghs_", "://", "bearer ", "authorization:  "]) {
      scrub(piece.repeat(Math.ceil(1_000_000 / piece.length)));
    }
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1_000).toBeLessThan(3_000);
  });
});
