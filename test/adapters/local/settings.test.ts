// What a local worker is given: its environment and the pool's cards.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findCards } from "../../../shared/adapters/pools/local/find-cards.ts";
import { workerEnv } from "../../../shared/adapters/pools/local/worker-env.ts";

describe("environment", () => {
  const worker = { workerId: "w", dir: "/d", slots: [0, 1] };
  const none = { base: {}, extra: {}, own: {} };

  test("lets through what is listed, in any mix with anything else", () => {
    const listed = [
      "PATH",
      "HOME",
      "LC_ALL",
      "https_proxy",
      "NO_PROXY",
      "LD_LIBRARY_PATH",
      "ASCEND_TOOLKIT_HOME",
    ];
    // No listed name ends so: any text alone may be one, such as TZ.
    const unlisted = fc.string().map((text) => `${text}_`);
    fc.assert(
      fc.property(fc.dictionary(unlisted, fc.string()), (others) => {
        const wanted = Object.fromEntries(listed.map((name) => [name, `value of ${name}`]));
        const base = {
          ...others,
          ASCEND_VISIBLE_DEVICES: "7",
          LC_ALL_SECRET: "s",
          PATH_SECRET: "s",
          ...wanted,
        };
        const cpu = { kind: "cpu", devices: [], simulated: false } as const;
        const env = workerEnv(worker, cpu, { ...none, base });
        expect(env).toEqual({ ...wanted, NPU_DISPATCH_WORKER: "w", WORKER_DIR: "/d" });
      }),
    );
  });

  test("the start wins over the operator, devices and marker over both", () => {
    const npu = { kind: "npu", devices: [0, 1], simulated: false } as const;
    const own = { A: "own", B: "own", NPU_DISPATCH_WORKER: "own", ASCEND_VISIBLE_DEVICES: "own" };
    const env = workerEnv(worker, npu, { base: { PATH: "base" }, extra: { A: "extra", PATH: "extra" }, own });
    expect(env).toEqual({
      PATH: "extra",
      A: "own",
      B: "own",
      NPU_DISPATCH_WORKER: "w",
      WORKER_DIR: "/d",
      ASCEND_VISIBLE_DEVICES: "0,1",
      ASCEND_RT_VISIBLE_DEVICES: "0,1",
    });
  });

  test.each([
    ["npu", [0, 1], { ASCEND_VISIBLE_DEVICES: "2,5", ASCEND_RT_VISIBLE_DEVICES: "0,1" }],
    ["npu", [], { ASCEND_VISIBLE_DEVICES: "void" }],
    ["gpu", [1], { NVIDIA_VISIBLE_DEVICES: "5", CUDA_VISIBLE_DEVICES: "1", CUDA_DEVICE_ORDER: "PCI_BUS_ID" }],
    ["gpu", [], { NVIDIA_VISIBLE_DEVICES: "void", CUDA_VISIBLE_DEVICES: "" }],
    ["cpu", [], {}],
  ] as const)("%s with slots %j of the devices 2 and 5", (kind, slots, expected) => {
    const { NPU_DISPATCH_WORKER, WORKER_DIR, ...env } = workerEnv(
      { ...worker, slots },
      { kind, devices: [2, 5], simulated: false },
      none,
    );
    expect([NPU_DISPATCH_WORKER, WORKER_DIR]).toEqual(["w", "/d"]);
    expect(env).toEqual(expected);
  });
});

describe("cards", () => {
  let dev: string;
  beforeEach(async () => {
    dev = await mkdtemp(join(tmpdir(), "npu-dispatch-dev-"));
  });
  afterEach(() => rm(dev, { recursive: true }));

  test("counts device files, not their managers, in the order of their numbers", async () => {
    for (const name of ["davinci10", "davinci2", "davinci_manager", "vdavinci1", "nvidia0", "nvidiactl"]) {
      await writeFile(join(dev, name), "");
    }
    expect(findCards("npu", "auto", dev)).toEqual({ kind: "npu", devices: [2, 10], simulated: false });
    expect(findCards("npu", 1, dev)).toEqual({ kind: "npu", devices: [2], simulated: false });
    expect(findCards("gpu", "auto", dev).devices).toEqual([0]);
    expect(() => findCards("npu", 3, dev)).toThrow(/3 cards, but .* has 2 npu devices/);
  });

  test("simulates where there is nothing", () => {
    expect(findCards("npu", "auto", dev)).toMatchObject({
      devices: [0, 1, 2, 3, 4, 5, 6, 7],
      simulated: true,
    });
    expect(findCards("gpu", 2, dev)).toMatchObject({ devices: [0, 1], simulated: true });
    expect(findCards("npu", 0, dev)).toMatchObject({ devices: [], simulated: false });
  });

  test("cpu cards are cores, or as many as set", () => {
    expect(findCards("cpu", "auto", dev).devices).toHaveLength(availableParallelism());
    expect(findCards("cpu", 500, dev).devices).toHaveLength(500);
  });

  test.each([-1, 1.5, Number.NaN])("rejects %d cards", (cards) => {
    expect(() => findCards("npu", cards, dev)).toThrow(/whole number/);
  });
});
