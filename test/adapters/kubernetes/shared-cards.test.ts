// A worker whose cards are shares of cards is told so: it cannot see that for itself.
import { expect, test } from "vitest";
import { workerJob } from "../../../shared/adapters/pools/kubernetes/job/worker-job.ts";
import { settingsOf } from "../../contract/kubernetes-pool-under-test.ts";
import { specOf } from "./pool-world.ts";

test.each([
  [{ name: "huawei.com/ascend-1980" }, undefined],
  [{ name: "huawei.com/Ascend910B3", memory: 16_384, core: 25, mode: "hami-core" }, "1"],
  [{ name: "huawei.com/Ascend910-12c.3cpu.32g" }, "1"],
  [{ name: "nvidia.com/gpu" }, undefined],
  [{ name: "nvidia.com/gpu", shared: true }, "1"],
  [{ name: "nvidia.com/gpu.shared" }, "1"],
  [{ name: "nvidia.com/mig-1g.5gb" }, "1"],
  [{ name: "nvidia.com/gpu", memory: 24_000, shared: false }, "0"],
])("a worker on shares of cards is told so: %j", (resource, told) => {
  const of = (cards: number) => {
    const job = workerJob({
      spec: specOf({ cards }),
      settings: settingsOf({ resource: { units: 1, ...resource } }),
      owner: { deployment: "test00", pool: "a2" },
      namespace: "npu-acme",
      image: "cann:9",
    });
    const env = job.spec?.template.spec?.containers[0]?.env;
    return env?.find(({ name }) => name === "NPU_DISPATCH_SHARED_CARDS")?.value;
  };
  expect([of(1), of(0)]).toEqual([told, undefined]);
});
