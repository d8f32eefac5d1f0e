// Which cards a worker was given, by what its pool and the container runtimes write into the environment.
import { describe, expect, it } from "vitest";
import { type CardKind, givenCards } from "../../../worker/preflight/given-cards.ts";
import { selectCards } from "../../../worker/preflight/select-cards.ts";

type Env = Record<string, string>;

describe("their names", () => {
  it.each([
    ["a number", { ASCEND_VISIBLE_DEVICES: "3" }, "npu", ["3"]],
    ["a list", { ASCEND_VISIBLE_DEVICES: "0, 2" }, "npu", ["0", "2"]],
    ["a range among others", { ASCEND_VISIBLE_DEVICES: "0-2,7" }, "npu", ["0", "1", "2", "7"]],
    ["names of the device plugin", { ASCEND_VISIBLE_DEVICES: "Ascend910-4,Ascend910-5" }, "npu", ["4", "5"]],
    ["said twice", { ASCEND_VISIBLE_DEVICES: "1,1" }, "npu", ["1"]],
    ["GPU numbers", { NVIDIA_VISIBLE_DEVICES: "2,5" }, "gpu", ["2", "5"]],
    ["UUIDs", { NVIDIA_VISIBLE_DEVICES: "GPU-1f,GPU-2a" }, "gpu", ["GPU-1f", "GPU-2a"]],
    [
      "UUIDs within the process",
      { NVIDIA_VISIBLE_DEVICES: "all", CUDA_VISIBLE_DEVICES: "GPU-1f" },
      "gpu",
      ["GPU-1f"],
    ],
    ["simulated ones", { NPU_DISPATCH_SIMULATED_CARDS: "6,7" }, "simulated", ["6", "7"]],
  ] as [string, Env, CardKind, string[]][])("%s", (_name, env, kind, names) => {
    expect(givenCards(env, kind, names.length).names).toEqual(names);
  });

  it.each([
    ["all", { ASCEND_VISIBLE_DEVICES: "all" }, "npu"],
    ["nothing", {}, "npu"],
    ["a range that is none", { ASCEND_VISIBLE_DEVICES: "5-2" }, "npu"],
    ["an endless range", { ASCEND_VISIBLE_DEVICES: "0-999999" }, "npu"],
    ["another number than was promised", { ASCEND_VISIBLE_DEVICES: "0-7" }, "npu"],
    ["a path", { NVIDIA_VISIBLE_DEVICES: "/var/run/nvidia-container-devices" }, "gpu"],
  ] as [string, Env, CardKind][])("%s says nothing", (_name, env, kind) => {
    expect(givenCards(env, kind, 2)).toMatchObject({ names: undefined, places: undefined });
  });
});

it("their places are what CUDA and CANN read", () => {
  expect(givenCards({ ASCEND_RT_VISIBLE_DEVICES: "1,0" }, "npu", 2).places).toEqual([1, 0]);
  expect(givenCards({ CUDA_VISIBLE_DEVICES: "3" }, "gpu", 1).places).toEqual([3]);
});

it.each([
  ["by its pool", { NPU_DISPATCH_SHARED_CARDS: "1" }],
  ["a virtual NPU", { ASCEND_VISIBLE_DEVICES: "100", ASCEND_RUNTIME_OPTIONS: "NODRV,VIRTUAL" }],
  ["a virtual NPU that is made at the start", { ASCEND_VISIBLE_DEVICES: "0", ASCEND_VNPU_SPECS: "vir04" }],
  ["HAMi's hami-core", { ASCEND_VISIBLE_DEVICES: "0", NPU_MEM_QUOTA: "8192" }],
  ["HAMi for NVIDIA", { NVIDIA_VISIBLE_DEVICES: "GPU-1f", CUDA_DEVICE_MEMORY_LIMIT_0: "3000m" }],
  ["a part of a GPU", { NVIDIA_VISIBLE_DEVICES: "MIG-4f" }],
  ["NVIDIA's MPS", { NVIDIA_VISIBLE_DEVICES: "GPU-1f", CUDA_MPS_PIPE_DIRECTORY: "/mps" }],
] as [string, Env][])("shared: %s", (_name, env) => {
  expect(givenCards(env, "npu", 1).isShared).toBe(true);
  expect(givenCards({ ...env, NPU_DISPATCH_SHARED_CARDS: "0" }, "npu", 1).isShared).toBe(false);
});

describe("of the cards in sight", () => {
  const seen = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ ids: [String(at), `GPU-${at}f0`] }));
  const select = (env: Env, kind: CardKind, given: number, inSight: number, isWide?: boolean) => {
    const found = selectCards(seen(inSight), givenCards(env, kind, given), {
      isWide,
      isWhole: inSight === given,
    });
    return found.type === "found" ? found.cards.map(({ ids }) => ids[0]).join() : found;
  };

  it("those of its numbers, UUIDs or places", () => {
    expect(select({ ASCEND_VISIBLE_DEVICES: "5,2" }, "npu", 2, 8)).toBe("5,2");
    expect(select({ NVIDIA_VISIBLE_DEVICES: "GPU-3f" }, "gpu", 1, 8)).toBe("3");
    expect(select({ CUDA_VISIBLE_DEVICES: "6" }, "gpu", 1, 8)).toBe("6");
    expect(select({ ASCEND_RT_VISIBLE_DEVICES: "6" }, "npu", 1, 8)).toBe("6");
    // nvidia3 and nvidia7 are all there is: CUDA counts them 0 and 1.
    expect(select({ NVIDIA_VISIBLE_DEVICES: "7", CUDA_VISIBLE_DEVICES: "1" }, "gpu", 1, 2, true)).toBe("1");
  });

  it("all, where no others are in sight and they have other numbers there", () => {
    expect(select({ NVIDIA_VISIBLE_DEVICES: "2,5" }, "gpu", 2, 2)).toBe("0,1");
    expect(select({}, "npu", 2, 2)).toBe("0,1");
  });

  it("none, where its own are not among them", () => {
    expect(select({ ASCEND_VISIBLE_DEVICES: "9" }, "npu", 1, 8)).toEqual({ type: "missing", names: ["9"] });
    const last = { NVIDIA_VISIBLE_DEVICES: "1", CUDA_VISIBLE_DEVICES: "1" };
    expect(select(last, "gpu", 1, 1)).toEqual({ type: "missing", names: ["1"] });
    expect(select({}, "npu", 1, 8)).toEqual({ type: "unclear" });
    expect(select({ ASCEND_VISIBLE_DEVICES: "all" }, "npu", 2, 1)).toEqual({ type: "too-few" });
  });

  it("of shares those that are in sight", () => {
    expect(select({ NPU_DISPATCH_SHARED_CARDS: "1" }, "npu", 2, 1)).toBe("0");
    expect(select({ NPU_MEM_QUOTA: "1", ASCEND_VISIBLE_DEVICES: "3" }, "npu", 1, 8)).toBe("3");
    expect(select({ NVIDIA_VISIBLE_DEVICES: "MIG-4f" }, "gpu", 1, 1)).toBe("0");
    expect(select({ NVIDIA_VISIBLE_DEVICES: "MIG-4f" }, "gpu", 1, 8)).toBe("");
  });
});
