// The cards of a pod, in the words of each device plugin.
import { expect, test } from "vitest";
import { devicesOf } from "../../../shared/adapters/pools/kubernetes/devices.ts";

test.each([
  [
    "MindCluster, mounted before chosen",
    { "huawei.com/AscendReal": "Ascend910-3,Ascend910-7", "huawei.com/kltDev": "Ascend910-0" },
    ["3", "7"],
  ],
  ["MindCluster, chosen by Volcano", { "huawei.com/Ascend910": "Ascend910-1" }, ["1"]],
  ["A5", { "huawei.com/npu": "npu-0, npu-1" }, ["0", "1"]],
  ["a static vNPU: its physical card", { "huawei.com/AscendReal": "Ascend910-2c-100-1" }, ["1"]],
  [
    "HAMi: its ids",
    { "hami.io/Ascend910B3-devices-allocated": "AA-11,Ascend910B3,16384,5:BB-22,Ascend910B3,16384,5:;" },
    ["AA-11", "BB-22"],
  ],
  [
    "HAMi, two containers on one card",
    { "hami.io/vgpu-devices-allocated": "GPU-1,NVIDIA,1024,10:;GPU-1,NVIDIA,1024,10:;" },
    ["GPU-1"],
  ],
  ["words that are no card", { "huawei.com/AscendReal": "none" }, undefined],
  ["nobody", { "huawei.com/AscendReal": "" }, undefined],
])("%s", (_name, annotations, devices) => {
  expect(devicesOf({ metadata: { annotations: annotations as { [name: string]: string } } })).toEqual(
    devices,
  );
});

test("a pod without annotations", () => expect(devicesOf({})).toBeUndefined());
