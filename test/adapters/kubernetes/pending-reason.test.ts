// What schedulers other than Kubernetes' own say on a pod without a node, or on its group.
import type { CoreV1Event, V1Pod } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { workloadSays } from "../../../shared/adapters/pools/kubernetes/waiting/kueue-workload.ts";
import { pendingReason } from "../../../shared/adapters/pools/kubernetes/waiting/pending-reason.ts";

function waitsOf(message: string | undefined, groupEvents: readonly CoreV1Event[] = []) {
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable" };
  const conditions = message === undefined ? [] : [{ ...condition, message }];
  const pod: V1Pod = {
    spec: { schedulerName: "volcano", containers: [] },
    status: { phase: "Pending", conditions },
  };
  return pendingReason({ job: undefined, pod, events: [], groupEvents, now: 0 });
}

function groupEvent(type: "Normal" | "Warning", message: string, minute = 0): CoreV1Event {
  const lastTimestamp = new Date(minute * 60_000);
  return { type, reason: "Unschedulable", message, lastTimestamp, metadata: {}, involvedObject: {} };
}

const NOT_TRIED = "pod group is not ready, 1 Pending, 1 minAvailable; Pending: 1 Unschedulable";
const GANG = groupEvent("Warning", `1/1 tasks in gang unschedulable: ${NOT_TRIED}`, 9);

test.each([
  [
    "queue resource quota insufficient: insufficient huawei.com/Ascend910",
    "quota",
    /^Its queue has no room: queue resource quota/,
  ],
  [
    "resource quota insufficient, requested: map[requests.cpu:{4}], used: map[], limited: map[]",
    "quota",
    /^Its namespace's quota has no room: resource quota insufficient, requested/,
  ],
  [
    "resource in cluster is overused: overused huawei.com/Ascend910",
    "node",
    /^The cluster has no room for it: resource in cluster is overused/,
  ],
] as const)("Volcano, of a group that it does not let in: %s", (words, waitsFor, waits) => {
  const said = { waitsFor, waits: expect.stringMatching(waits) };
  expect(waitsOf(NOT_TRIED, [groupEvent("Normal", words), GANG])).toEqual(said);
  expect(waitsOf(undefined, [groupEvent("Normal", words)])).toEqual(said);
  // Let in since: what it says of the nodes counts.
  const noNode = "0/1 nodes are unavailable: 1 Insufficient huawei.com/Ascend910.";
  expect(waitsOf(noNode, [groupEvent("Normal", words)]).waits).toBe(`No node can take it: ${noNode}`);
});

test.each([
  [NOT_TRIED, "queue", /^Its queue has not let it in: pod group is not ready/],
  ["all nodes are unavailable", "node", /^No node can take it/],
  [undefined, "node", /^Its pod waits for the scheduler volcano/],
] as const)("Volcano, on a pod: %s", (message, waitsFor, waits) => {
  expect(waitsOf(message, [GANG])).toEqual({ waitsFor, waits: expect.stringMatching(waits) });
});

test("Volcano, the latest word on the group", () => {
  const events = [
    groupEvent("Normal", "resource in cluster is overused: overused cpu", 2),
    groupEvent("Normal", "queue resource quota insufficient: insufficient cpu", 1),
  ];
  expect(waitsOf(NOT_TRIED, events)).toMatchObject({ waitsFor: "node" });
});

test.each([
  [[], undefined],
  [
    [{ type: "QuotaReserved", status: "False", message: "ClusterQueue c is inactive" }],
    "ClusterQueue c is inactive",
  ],
  [
    [
      { type: "QuotaReserved", status: "True", message: "Quota reserved in ClusterQueue c" },
      { type: "Admitted", status: "False", message: "The workload has not all checks ready" },
    ],
    "The workload has not all checks ready",
  ],
  [[{ type: "Admitted", status: "True", message: "The workload is admitted" }], undefined],
])("Kueue, on a Workload: %j", (conditions, words) => {
  expect(workloadSays({ status: { conditions } })).toBe(words);
});
