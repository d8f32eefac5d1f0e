import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseHealthWords, parseNpuError, parseNpuTable } from "../../../worker/preflight/npu-smi.ts";

const sample = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../fixtures/npu-smi", name), "utf8");
const summary = (name: string) => {
  const { chips, processes } = parseNpuTable(sample(name));
  return {
    chips: chips.map(({ npu, chip, memory }) => `${npu}.${chip} ${memory?.usedMb}/${memory?.totalMb}`),
    health: [...new Set(chips.map(({ health }) => health))],
    names: [...new Set(chips.map(({ name }) => name))],
    pids: processes.map(({ npu, chip, pid }) => `${npu}.${chip} ${pid}`),
  };
};

describe("the table of npu-smi", () => {
  it.each([
    [
      "a2-910b3-25.2.0-host.txt",
      ["0.0 3408/65536", "1.0 3408/65536", "2.0 41052/65536"],
      "910B3",
      ["2.0 1333928"],
    ],
    [
      "a3-in-container-composite.txt",
      ["6.0 50719/65536", "6.1 50242/65536"],
      "Ascend910",
      ["6.0 3085960", "6.0 3085961", "6.1 3085961"],
    ],
    ["a3-26.0.rc2-partial.txt", ["0.0 3419/65536", "0.1 2874/65536"], "Ascend910", []],
    ["310p-24.1.0.1.txt", ["1.0 1894/44215"], "310P3", []],
    ["310p-duo-25.5.1-partial.txt", ["1.0 1448/44278", "1.1 1511/43693"], "310P3", []],
  ])("%s", (name, chips, chipName, pids) => {
    expect(summary(name)).toEqual({ chips, health: ["OK"], names: [chipName], pids });
  });

  it.each([
    ["err-8005-init.txt", -8005],
    ["err-8020-busy.txt", -8020],
    ["err-9005-board.txt", -9005],
    ["a2-910b3-25.2.0-host.txt", undefined],
  ])("%s has the error %s", (name, error) => {
    expect(parseNpuError(sample(name))).toBe(error);
    if (error !== undefined) expect(parseNpuTable(sample(name)).chips).toEqual([]);
  });

  it("reads the health of a card and of a chip", () => {
    expect(parseHealthWords(sample("health-card.txt"))).toEqual(["OK", "OK"]);
    expect(parseHealthWords(sample("health-chip.txt"))).toEqual(["OK"]);
  });

  it("keeps what it cannot read", () => {
    const text = sample("a2-910b3-25.2.0-host.txt");
    const [first, second, third] = parseNpuTable(
      text
        .replace("3408 / 65536", "NA / NA     ")
        .replace(/\| OK( +\| 89)/, "| --$1")
        .replace("| 0                         | 0000:81:00.0", "| ERR                       | 0000:81:00.0"),
    ).chips;
    expect([first?.card, second?.card, third?.card]).toEqual([0, 1, 2]);
    expect(first).toMatchObject({ memory: undefined, unread: expect.stringContaining("NA / NA") });
    expect(second).toMatchObject({ health: "--" });
    expect(third).toMatchObject({ memory: undefined, unread: expect.stringContaining("ERR | 0000:81:00.0") });
    expect(parseNpuTable("| 3     910B3  | OK | 1 2 0 / 0 |\n").chips).toMatchObject([
      { card: 3, unread: "its second row is missing" },
    ]);
  });

  it("never throws, however a table is torn", () => {
    const table = sample("a3-in-container-composite.txt");
    fc.assert(
      fc.property(fc.nat(table.length), fc.nat(table.length), fc.string(), (from, to, junk) => {
        const torn = table.slice(0, from) + junk + table.slice(to);
        const { chips } = parseNpuTable(torn);
        expect(parseNpuError(torn) ?? 0).toBeLessThanOrEqual(0);
        for (const { memory } of chips) expect(memory?.totalMb ?? 1).toBeGreaterThan(0);
        parseHealthWords(torn);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseNpuTable(`|${text}|`)));
  });
});
