// What an endpoint's workers find in their environment: plain values, and secrets by the name that they have here.
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../shared/config/parse.ts";
import { readProgramSecrets, secretTexts } from "../../shared/config/secrets.ts";
import { reveal } from "../../shared/redacted.ts";

function parse(endpoint: string) {
  return parseConfig(
    `pools: {local: {driver: local, kind: npu, cards: 4}}\nendpoints: [{name: a, pool: local, ${endpoint}}]`,
  );
}

test("are read as they are written", () => {
  const parsed = parse("command: [x], env: {MODEL_NAME: Qwen, EMPTY: ''}, secrets: {HF_TOKEN: LLM_HF_TOKEN}");
  expect(parsed).toMatchObject({
    ok: true,
    config: {
      endpoints: [{ env: { MODEL_NAME: "Qwen", EMPTY: "" }, secrets: { HF_TOKEN: "LLM_HF_TOKEN" } }],
    },
  });
});

describe("faults", () => {
  test.each<[string, string, string, RegExp]>([
    ["a number", "command: [x], env: {N: 4}", "env.N", /quotes/],
    ["no name of a variable", "command: [x], env: {a-b: x}", "env.a-b", /letters/],
    [
      "what the dispatcher sets",
      "command: [x], env: {RUNPOD_AI_API_KEY: x}",
      "env.RUNPOD_AI_API_KEY",
      /Remove/,
    ],
    ["as a secret", "command: [x], secrets: {RUNPOD_POD_ID: X_Y}", "secrets.RUNPOD_POD_ID", /Remove/],
    ["twice", "command: [x], env: {A: b}, secrets: {A: C}", "secrets.A", /one of them/],
    ["the dispatcher's own", "command: [x], secrets: {A: DISPATCH_SECRET}", "secrets.A", /of its own/],
    ["its file", "command: [x], secrets: {A: ADMIN_KEY_FILE}", "secrets.A", /of its own/],
    ["no program", "secrets: {A: B}", "secrets", /command/],
  ])("%s", (_what, endpoint, path, fix) => {
    const parsed = parse(endpoint);
    expect(parsed.ok ? [] : parsed.faults).toEqual([
      { path: `endpoints[0].${path}`, message: expect.any(String), fix: expect.stringMatching(fix) },
    ]);
  });
});

describe("secrets", () => {
  const source = {
    env: { LLM_HF_TOKEN: "hf_secret-of-the-operator\n", OTHER_FILE: "/run/other", SHORT: "abc" },
    readFile: () => "in-a-file\n",
  };

  test("come from the variable of that name or its file, trimmed, and are masked in the log", () => {
    const read = readProgramSecrets(source, ["LLM_HF_TOKEN", "OTHER"]);
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    const { programSecrets = {} } = read.secrets;
    expect(Object.entries(programSecrets).map(([name, value]) => [name, reveal(value)])).toEqual([
      ["LLM_HF_TOKEN", "hf_secret-of-the-operator"],
      ["OTHER", "in-a-file"],
    ]);
    expect(secretTexts(read.secrets)).toEqual(["hf_secret-of-the-operator", "in-a-file"]);
    expect(JSON.stringify(read)).not.toContain("hf_secret");
  });

  test("that are missing, or too short to be masked, are faults", () => {
    const read = readProgramSecrets(source, ["MISSING", "SHORT"]);
    expect(read).toMatchObject({
      ok: false,
      faults: [
        { path: "MISSING", message: "It is not set." },
        { path: "SHORT", message: expect.stringContaining("3 characters") },
      ],
    });
  });
});
