// Members are found and cut out of a text as if it had been parsed.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cutMembers, memberOf, parsedAt } from "../../shared/domain/json-members.ts";
import type { JsonShape } from "../../shared/domain/scan-json.ts";
import { scanJson } from "../../shared/domain/scan-json.ts";

const NO_LIMITS = { keys: 1_000_000, containers: 1_000_000, depth: 500 };

test("of two of one name the last counts, also where one is written with escapes", () => {
  const bytes = Buffer.from('{"input":1,"other":2,"\\u0069nput" : [3] }');
  const shape = scanJson(bytes, NO_LIMITS) as JsonShape;
  const span = memberOf(bytes, shape, "input");
  expect(span && parsedAt(bytes, span)).toEqual([3]);
  expect(memberOf(bytes, shape, "absent")).toBeUndefined();
});

test.each([
  ['{"a":1}', '{"a":1}'],
  ['{"pat":"x"}', "{}"],
  ['{"pat":"x","a":{"pat":1}}', '{"a":{"pat":1}}'],
  ['{"a":1,"p\\u0061t":"x", "b" : 2 , "pat":"y"}', '{"a":1,"b" : 2 }'],
  ['[{"pat":1}]', '[{"pat":1}]'],
])("pat out of %s", (text, rest) => {
  const cut = cutMembers(Buffer.from(text), ["pat", "org"]);
  expect(Buffer.from(cut.rest).toString()).toBe(rest);
  expect(cut.taken).toEqual(text === rest ? {} : { pat: text.includes("y") ? "y" : "x" });
});

test("what is cut out and what is left are those of the parsed object", () => {
  const key = fc.constantFrom("a", "b", "pat", "org", '\u00e9"');
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.jsonValue())), (members) => {
      const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
      const bytes = Buffer.from(`{${texts.join(",")}}`);
      const { taken, rest } = cutMembers(bytes, ["pat", "org"]);
      const { pat, org, ...others } = JSON.parse(bytes.toString());
      expect({ pat: undefined, org: undefined, ...taken }).toEqual({ pat, org });
      expect(JSON.parse(Buffer.from(rest).toString())).toEqual(others);
    }),
  );
});

test("a key too long to be asked for stays", () => {
  const long = `{"${"p".repeat(300)}":1,"pat":2}`;
  const { taken, rest } = cutMembers(Buffer.from(long), ["pat", "p".repeat(300)]);
  expect([taken, Buffer.from(rest).toString()]).toEqual([{ pat: 2 }, `{"${"p".repeat(300)}":1}`]);
});

test("what is no JSON has no members", () => {
  expect(() => cutMembers(Buffer.from('{"pat":'), ["pat"])).toThrow("no JSON");
});
