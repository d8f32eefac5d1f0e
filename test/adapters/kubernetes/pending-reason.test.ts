// What schedulers other than Kubernetes' own say on a pod without a node.
import type { V1Pod } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { pendingReason } from "../../../shared/adapters/pools/kubernetes/pending-reason.ts";

function waitsOf(message: string | undefined, schedulerName: string) {
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  const pod: V1Pod = {
    spec: { schedulerName, containers: [] },
    status: { phase: "Pending", conditions: message === undefined ? [] : [{ ...condition, message }] },
  };
  return pendingReason({ job: undefined, pod, events: [], now: 0 });
}

test.each([
  [
    "queue resource quota insufficient: insufficient huawei.com/Ascend910",
    "quota",
    /^Its queue has no room: queue/,
  ],
  ["0/1 nodes are unavailable: 1 Insufficient huawei.com/Ascend910", "node", /^No node can take it/],
  [undefined, "queue", /^Its pod waits for the scheduler volcano/],
] as const)("Volcano: %s", (message, waitsFor, waits) => {
  expect(waitsOf(message, "volcano")).toEqual({ waitsFor, waits: expect.stringMatching(waits) });
});
