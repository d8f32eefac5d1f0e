// The scanner agrees with JSON.parse about what is JSON, counts what there is, and finds the outermost members.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonLimits, JsonShape } from "../../shared/domain/scan-json.ts";
import { JsonScan, scanJson } from "../../shared/domain/scan-json.ts";

const NO_LIMITS: JsonLimits = { keys: 1_000_000, containers: 1_000_000, depth: 500 };
const bytesOf = (text: string) => Buffer.from(text);
const typeOf = (text: string) => scanJson(bytesOf(text), NO_LIMITS).type;

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function agrees(text: string): void {
  expect([text, typeOf(text) === "json"]).toEqual([text, parses(text)]);
}

describe("what is JSON", () => {
  test.each([
    ..."0|-0|01|-01|1.|1.5|1.e1|1e|1e+|1e5|1E-05|-|+1|.5|NaN|tru|true|truee|nul|null |[]|[1,]|[,1]|[1 2]|{}".split(
      "|",
    ),
    ...'{"a":1,}|{"a"}|{"a":}|{,}|{"a":1 "b":2}|{a:1}|{"a":1}}|[|]|[}|{]|1 2|"a""b"|"\\u00g0"|"\\u00A0"|"\\x"|"a'.split(
      "|",
    ),
    ...["", " ", " [ ] ", '"\t"', '"\u007f"', "'a'", '{"a":[{"b":{}},[[]],"]}"]}', "\u00a01"],
  ])("%s", agrees);

  test("any JSON, and whatever it becomes when it is cut off, or one thing is put in or taken out", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (text, place, more) => {
        const at = place % (text.length + 1);
        agrees(text);
        agrees(text.slice(0, at));
        agrees(text.slice(0, at) + more + text.slice(at));
        agrees(text.slice(0, at) + text.slice(at + 1));
      }),
      { numRuns: 2_000 },
    );
  });

  test("any row of JSON's own pieces", () => {
    const pieces = '" { } [ ] , : 1 0 - . e E + true false null \\ \\u0041 a "a" "b": 1.5'.split(" ");
    const text = fc
      .array(fc.constantFrom(...pieces, " ", "\n"), { maxLength: 12 })
      .map((some) => some.join(""));
    fc.assert(fc.property(text, agrees), { numRuns: 20_000 });
  });

  test("a byte order mark may come first, and nowhere else", () => {
    expect([typeOf("\ufeff{}"), typeOf("{\ufeff}"), typeOf("\ufeff")]).toEqual([
      "json",
      "not-json",
      "not-json",
    ]);
  });
});

describe("its members", () => {
  test("are where JSON.parse finds them, however the bytes are cut", () => {
    const cuts = fc.array(fc.nat({ max: 9 }), { maxLength: 30 });
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat({ max: 2 }),
        cuts,
        (object, indent, sizes) => {
          const bytes = bytesOf(JSON.stringify(object, undefined, indent));
          const scan = new JsonScan(NO_LIMITS);
          let at = 0;
          for (const size of [...sizes, bytes.length]) {
            expect(scan.push(bytes.subarray(at, at + size))).toBeUndefined();
            at += size;
          }
          const shape = scan.end() as JsonShape;
          const found = shape.members.map(({ key, value }) => [textOf(bytes, key), textOf(bytes, value)]);
          expect(Object.fromEntries(found)).toEqual(JSON.parse(bytes.toString()));
        },
      ),
    );
  });

  test.each(["[{}]", '"a"', "7"])("%s has none", (text) => {
    expect(scanJson(bytesOf(text), NO_LIMITS)).toEqual({ type: "json", isObject: false, members: [] });
  });
});

describe("what is above a limit is refused where it is met", () => {
  const limits = { keys: 3, containers: 4, depth: 3 };
  test.each([
    ['{"a":1,"b":{"c":2}}', undefined],
    ['{"a":1,"b":{"c":2,"d":3}}', "keys"],
    ["[{},{},{}]", undefined],
    ["[{},{},{},[]]", "containers"],
    ["[[[]]]", undefined],
    ["[[[[]]]]", "depth"],
    ['["{[:,",{"{":"}"}]', undefined],
    // The rest is not looked at: it need not be JSON.
    ["[[[[ whatever", "depth"],
  ] as const)("%s: %s", (text, of) => {
    const found = scanJson(bytesOf(text), limits);
    if (of === undefined) expect(found.type).toBe("json");
    else expect(found).toEqual({ type: "too-much", of, limit: limits[of] });
  });

  test("counts are those of JSON.parse", () => {
    const count = (value: unknown, depth: number): [number, number, number] => {
      if (typeof value !== "object" || value === null) return [0, 0, depth];
      const within = Object.values(value).map((one) => count(one, depth + 1));
      const keys = (Array.isArray(value) ? 0 : Object.keys(value).length) + sum(within.map(([some]) => some));
      return [
        keys,
        1 + sum(within.map(([, some]) => some)),
        Math.max(depth + 1, ...within.map(([, , most]) => most)),
      ];
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const [keys, containers, depth] = count(value, 0);
        const bytes = bytesOf(JSON.stringify(value));
        expect(scanJson(bytes, { keys, containers, depth }).type).toBe("json");
        for (const [of, limit] of Object.entries({ keys, containers, depth })) {
          if (limit === 0) continue;
          expect(scanJson(bytes, { keys, containers, depth, [of]: limit - 1 })).toMatchObject({
            type: "too-much",
          });
        }
      }),
    );
  });
});

function textOf(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): unknown {
  return JSON.parse(bytes.toString("utf8", from, to));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
