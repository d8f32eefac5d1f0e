// A worker judges the cards that it was given, and no other, wherever it sees more; and blames what is its own.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { ProgramResult } from "../../../worker/process/run-program.ts";
import { type Env, preflightWorld, shows } from "./preflight-world.ts";

const sample = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../fixtures/npu-smi", name), "utf8");
/** Three NPUs of a host: a process uses the last. */
const HOST = sample("a2-910b3-25.2.0-host.txt");

const { check, devices, deviceDir } = preflightWorld();

/** As the `local` pool sets them for slots of a host without gaps. */
const npus = (list: string): Env => ({ ASCEND_VISIBLE_DEVICES: list, ASCEND_RT_VISIBLE_DEVICES: list });

describe("NPUs of a whole host", () => {
  beforeEach(() => devices("davinci_manager", "davinci0", "davinci1", "davinci2"));

  it("one of three is enough, whatever the others do", async () => {
    expect(await check(1, npus("0"), shows(HOST))).toMatchObject({ ok: true, residue: undefined });
    expect(await check(1, { ASCEND_VISIBLE_DEVICES: "1" }, shows(HOST))).toMatchObject({ ok: true });
    expect(await check(2, npus("1,0"), shows(HOST))).toMatchObject({ ok: true });
  });

  it("its own is judged in each respect, with the host's number", async () => {
    expect(await check(1, npus("2"), shows(HOST))).toMatchObject({
      code: "E_DIRTY",
      message: expect.stringContaining("NPU 2 chip 0 is used by process 1333928"),
      badCards: ["2"],
    });
    const quiet = HOST.replace("1333928", "       ").replace("37709", "     ");
    expect(await check(2, npus("0,2"), shows(quiet))).toMatchObject({
      code: "E_DIRTY",
      message: expect.stringContaining("41052 of 65536 MB"),
      badCards: ["2"],
    });
    const ill = HOST.replace(/\| OK( +\| 89)/, "| Alarm$1");
    expect(await check(1, npus("0"), shows(ill))).toMatchObject({ ok: true });
    expect(await check(2, npus("0,1"), shows(ill))).toMatchObject({ code: "E_HEALTH", badCards: ["1"] });
  });

  it("what cannot be read of its own is not healthy, of another's it is nothing", async () => {
    const torn = HOST.replace("3408 / 65536", "NA / NA     ");
    expect(await check(1, npus("1"), shows(torn))).toMatchObject({ ok: true });
    expect(await check(1, npus("0"), shows(torn))).toMatchObject({
      code: "E_HEALTH",
      message: expect.stringContaining('cannot be read ("0           0    / 0          NA / NA'),
      badCards: ["0"],
    });
    const odd = HOST.replace(/\| OK( +\| 97)/, "| --$1");
    expect(await check(1, npus("0"), shows(odd))).toMatchObject({
      code: "E_HEALTH",
      message: expect.stringContaining('reports "--"'),
    });
  });

  it("one that is lost is named and blamed; the others go on", async () => {
    devices("davinci3");
    expect(await check(1, npus("3"), shows(HOST))).toMatchObject({
      code: "E_NO_DEVICE",
      message: expect.stringContaining("npu-smi shows 3 NPUs with 3 chips, and not 3"),
      badCards: ["3"],
    });
    rmSync(join(deviceDir(), "davinci0"));
    rmSync(join(deviceDir(), "davinci3"));
    expect(await check(2, npus("0,1"), shows(HOST))).toMatchObject({
      code: "E_NO_DEVICE",
      message: expect.stringContaining("not davinci0, which the worker was given"),
      badCards: ["0"],
    });
    expect(await check(2, npus("1,2"), shows(HOST))).toMatchObject({ code: "E_DIRTY" });
  });

  it("where nothing says which are its own it says what to do", async () => {
    expect(await check(1, {}, shows(HOST))).toMatchObject({
      code: "E_NO_DEVICE",
      message: expect.stringContaining("nothing says which are its own: name them in ASCEND_VISIBLE_DEVICES"),
    });
  });

  it.each([
    [{ type: "timeout" }, "E_HANG"],
    [shows(sample("err-8005-init.txt"), 1), "E_DRIVER"],
    [shows(sample("err-8020-busy.txt"), 1), "E_BUSY"],
  ] as [ProgramResult, string][])(
    "an answer for the whole host blames no card of its own: %#",
    async (answer, code) => {
      expect(await check(1, npus("0"), answer)).toMatchObject({ code, badCards: [] });
      expect(await check(3, npus("0,1,2"), answer)).not.toHaveProperty("badCards");
    },
  );

  it("a program that cannot be run is told of in its words", async () => {
    const words = "npu-smi: error while loading shared libraries: libdrvdsmi_host.so: cannot open\n";
    expect(await check(1, npus("0"), shows(words, 127))).toMatchObject({
      code: "E_DRIVER",
      message: expect.stringContaining('("npu-smi: error while loading shared libraries: libdrvdsmi_host.so'),
    });
    expect(await check(1, npus("0"), shows("No NPU found.\n"))).toMatchObject({
      message: expect.stringContaining('0 chips ("No NPU found.")'),
    });
  });
});

describe("NPUs of two chips, by their device numbers", () => {
  it("one chip of a module", async () => {
    devices("davinci_manager", "davinci0", "davinci1");
    const ill = sample("a3-26.0.rc2-partial.txt").replace("| OK  ", "| Alarm");
    expect(await check(1, npus("1"), shows(ill))).toMatchObject({ ok: true });
    expect(await check(1, npus("0"), shows(ill))).toMatchObject({ code: "E_HEALTH", badCards: ["0"] });
  });
});

describe("a share of an NPU", () => {
  beforeEach(() => devices("davinci_manager", "davinci2"));
  const table = HOST.split("\n")
    .filter((line, at) => !(at > 5 && at < 12) && !/in NPU [01]/.test(line))
    .join("\n");

  it.each([
    ["HAMi's hami-core", { NPU_MEM_QUOTA: "8192", ASCEND_VISIBLE_DEVICES: "2" }],
    ["by its pool", { NPU_DISPATCH_SHARED_CARDS: "1", ASCEND_VISIBLE_DEVICES: "2" }],
    ["a virtual NPU", { ASCEND_VISIBLE_DEVICES: "100", ASCEND_RUNTIME_OPTIONS: "VIRTUAL" }],
  ] as [string, Env][])("%s: a neighbour's memory and process are no fault", async (_name, env) => {
    expect(await check(1, env, shows(table))).toMatchObject({ ok: true, residue: undefined });
    const ill = table.replace("| OK ", "| Alarm");
    expect(await check(1, env, shows(ill))).toMatchObject({ code: "E_HEALTH", badCards: ["2"] });
    const busy = shows(sample("err-8020-busy.txt"), 1);
    expect(await check(1, env, busy)).toMatchObject({
      code: "E_BUSY",
      message: expect.stringContaining("device-share"),
      badCards: [],
    });
  });

  it("a whole one is dirty by the same", async () => {
    expect(await check(1, { ASCEND_VISIBLE_DEVICES: "2" }, shows(table))).toMatchObject({ code: "E_DIRTY" });
  });
});
