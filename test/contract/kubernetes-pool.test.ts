// Runs the pool driver contract on Kubernetes: in the stand-in always, in a real cluster where one is named.
import { test } from "vitest";
import { openRealPool, openStandInPool } from "./kubernetes-pool-under-test.ts";
import { describePoolDriver } from "./pool-driver-contract.ts";

describePoolDriver("kubernetes", openStandInPool);

const { KUBECONFIG, NPU_DISPATCH_TEST_CLUSTER } = process.env;
const real = NPU_DISPATCH_TEST_CLUSTER === "1" ? KUBECONFIG : undefined;
if (real !== undefined) describePoolDriver("kubernetes, a real cluster", () => openRealPool(real));
else {
  test("a real cluster", ({ skip }) =>
    skip("set KUBECONFIG and NPU_DISPATCH_TEST_CLUSTER=1; see docs/pools.md"));
}
