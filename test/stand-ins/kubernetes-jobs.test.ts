// The Kubernetes stand-in's Jobs: their ends come in two steps, and no pod of theirs goes before it is counted.
import { afterEach, beforeEach, expect, test } from "vitest";
import { POLL } from "../contract/pool-driver-contract.ts";
import { type ClusterStandIn, startClusterStandIn } from "../fakes/kubernetes/cluster-stand-in.ts";
import { createScriptedRunner, type ScriptedRunner } from "../fakes/kubernetes/scripted-runner.ts";

let cluster: ClusterStandIn;
let runner: ScriptedRunner;
/** Each state that a Job's conditions or a pod's finalizers had, in order. */
let seen: string[];
let watch: NodeJS.Timeout;
beforeEach(async () => {
  runner = createScriptedRunner();
  const nodes = [{ name: "node-1", cards: { "huawei.com/ascend-1980": "8" } }];
  cluster = await startClusterStandIn({ nodes, namespaces: ["ns"], run: runner.run, tickMs: 10 });
  seen = [];
  watch = setInterval(() => {
    const now = cluster.objects("Job").map(typesOf).join();
    if (now !== "" && now !== seen.at(-1)) seen.push(now);
  }, 1);
});
afterEach(async () => {
  clearInterval(watch);
  await cluster.close();
});

function typesOf({ status }: ReturnType<ClusterStandIn["objects"]>[number]): string {
  return (status?.conditions ?? []).map(({ type }: { type: string }) => type).join(" ");
}

async function call(method: string, path: string, body?: object): Promise<void> {
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  expect((await fetch(`${cluster.url}${path}`, { method, ...given })).ok).toBe(true);
}

const JOB = "/apis/batch/v1/namespaces/ns/jobs";
const podPath = () => `/api/v1/namespaces/ns/pods/${cluster.objects("Pod")[0]?.metadata.name}`;
const pods = () => cluster.objects("Pod").length;
const job = () => cluster.objects("Job")[0];

async function started(spec: object = {}): Promise<void> {
  const pod = { restartPolicy: "Never", containers: [{ name: "w", image: "busybox" }], ...spec };
  const template = { spec: pod };
  const backoffLimit = 0;
  const metadata = { name: "j" };
  await call("POST", JOB, {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata,
    spec: { template, backoffLimit, podReplacementPolicy: "Failed" },
  });
  await expect.poll(pods, POLL).toBe(1);
}

async function runs(): Promise<void> {
  await started();
  await expect.poll(() => runner.containers.length, POLL).toBe(1);
}

// pkg/controller/job/job_controller.go, newSuccessCondition and newFailureCondition.
test.each([
  [0, ["SuccessCriteriaMet", "SuccessCriteriaMet Complete"], "CompletionsReached", "succeeded"],
  [3, ["FailureTarget", "FailureTarget Failed"], "BackoffLimitExceeded", "failed"],
])("exit code %i: %j", async (code, steps, reason, count) => {
  await runs();
  runner.containers[0]!.exit(code);
  await expect.poll(() => seen, POLL).toEqual(steps);
  expect(job()?.status).toMatchObject({ [count]: 1, conditions: [{ reason }, { reason }] });
  expect(job()?.status.completionTime !== undefined).toBe(code === 0);
  expect(cluster.objects("Pod")[0]?.metadata).not.toHaveProperty("finalizers");
});

test("a pod has its finalizer until it is counted, and none is made in its place", async () => {
  await runs();
  const [pod] = cluster.objects("Pod");
  expect(pod?.metadata.finalizers).toEqual(["batch.kubernetes.io/job-tracking"]);
  runner.ignoreTerm = true;
  await call("DELETE", `${podPath()}?gracePeriodSeconds=30`);
  await expect.poll(() => runner.containers[0]?.signals, POLL).toEqual(["TERM"]);
  expect(job()?.status).toMatchObject({ active: 0, terminating: 1 });
  runner.containers[0]!.exit(143);
  await expect.poll(pods, POLL).toBe(0);
  expect(job()?.status).toMatchObject({ failed: 1, terminating: 0 });
  await expect.poll(() => seen.at(-1), POLL).toBe("FailureTarget Failed");
  expect(runner.containers).toHaveLength(1);
});

test("one that was deleted before it had a node is counted as failed", async () => {
  await started({ nodeSelector: { of: "nowhere" } });
  await call("DELETE", podPath());
  await expect.poll(pods, POLL).toBe(0);
  await expect.poll(() => job()?.status, POLL).toMatchObject({ failed: 1 });
});

test("a Job that is deleted lets its pod go, with its grace or left alone", async () => {
  await runs();
  await call("DELETE", `${JOB}/j?propagationPolicy=Background`);
  await expect.poll(pods, POLL).toBe(0);
  await started();
  await call("DELETE", `${JOB}/j?propagationPolicy=Orphan`);
  expect(cluster.objects("Pod")[0]?.metadata).toMatchObject({ ownerReferences: [] });
  expect(cluster.objects("Pod")[0]?.metadata).not.toHaveProperty("finalizers");
});
