// The Kubernetes stand-in's API server: what it refuses, and in which words, as the real one.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClusterStandIn, startClusterStandIn } from "../fakes/kubernetes/cluster-stand-in.ts";
import { createScriptedRunner } from "../fakes/kubernetes/scripted-runner.ts";

let cluster: ClusterStandIn;
beforeAll(async () => {
  cluster = await startClusterStandIn({ namespaces: ["ns"], run: createScriptedRunner().run, tickMs: 2 });
});
afterAll(() => cluster.close());

type Answer = { code: number; message: string; reason: string; metadata: { continue?: string } } & {
  items: { metadata: { name: string } }[];
  details?: { causes?: { reason: string; field: string; message: string }[] };
};

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  return (await (await fetch(`${cluster.url}${path}`, { method, ...given })).json()) as Answer;
}

const CONTAINER = { name: "worker", image: "busybox" };
const JOBS = "/apis/batch/v1/namespaces/ns/jobs";
const SECRETS = "/api/v1/namespaces/ns/secrets";

function job(name: string, spec: object = {}) {
  const pod = { restartPolicy: "Never", containers: [CONTAINER], ...spec };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: { template: { spec: pod } } };
}

function nodeTerms(...values: string[]) {
  const terms = [{ matchFields: [{ key: "metadata.name", operator: "In", values }] }];
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: terms };
  const preferredDuringSchedulingIgnoredDuringExecution = [{ weight: 101, preference: terms[0] }];
  return {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution,
        ...(values.length === 1 && { preferredDuringSchedulingIgnoredDuringExecution }),
      },
    },
  };
}

const AFFINITY = "spec.template.spec.affinity.nodeAffinity";

// pkg/apis/batch/validation and pkg/apis/core/validation of kubernetes.
test.each([
  [
    "a name of 64 characters, which is a label of its pods too",
    job("a".repeat(64)),
    { reason: "FieldValueInvalid", field: "spec.template.labels" },
  ],
  [
    "a pod that is always started again",
    job("b", { restartPolicy: "Always" }),
    { reason: "FieldValueRequired", field: "spec.template.spec.restartPolicy" },
  ],
  [
    "no word on that, which means the same",
    job("c", { restartPolicy: undefined }),
    { reason: "FieldValueRequired", message: 'Required value: valid values: "OnFailure", "Never"' },
  ],
  [
    "no container",
    job("e", { containers: [] }),
    { reason: "FieldValueRequired", field: "spec.template.spec.containers", message: "Required value" },
  ],
  [
    "two names of a node",
    job("f", nodeTerms("node-1", "node-2")),
    {
      reason: "FieldValueRequired",
      field: `${AFFINITY}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values`,
    },
  ],
  [
    "a weight above 100",
    job("g", nodeTerms("node-1")),
    {
      reason: "FieldValueInvalid",
      field: `${AFFINITY}.preferredDuringSchedulingIgnoredDuringExecution[0].weight`,
    },
  ],
])("a Job with %s: 422", async (_what, body, cause) => {
  const { code, message, details } = await call("POST", JOBS, body);
  expect({ code, causes: details?.causes }).toMatchObject({ code: 422, causes: [cause] });
  expect(message).toMatch(/^Job\.batch ".*" is invalid: spec\.template\./);
});

test("a Job's name may have 63 characters", async () => {
  expect(await call("POST", JOBS, job("a".repeat(63)))).not.toHaveProperty("code");
});

const secret = (data: object) => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data });
const bytes = (count: number) => Buffer.alloc(count).toString("base64");

test.each([
  ["a key that is no file name", { "a b": "" }, { reason: "FieldValueInvalid", field: "data[a b]" }],
  [
    "more than a MiB in all",
    { a: bytes(1024 * 1024), b: bytes(1) },
    { reason: "FieldValueTooLong", field: "data", message: "Too long: may not be more than 1048576 bytes" },
  ],
])("a Secret with %s: 422", async (_what, data, cause) => {
  const { code, details } = await call("POST", SECRETS, secret(data));
  expect({ code, causes: details?.causes }).toMatchObject({ code: 422, causes: [cause] });
});

test("a Secret of just a MiB is taken", async () => {
  expect(await call("POST", SECRETS, secret({ a: bytes(1024 * 1024) }))).not.toHaveProperty("code");
});

// pkg/apis/core/v1/conversion.go; k8s.io/apimachinery, pkg/labels and pkg/fields.
test.each([
  ["/api/v1/pods?fieldSelector=spec.priority%3D1", "field label not supported: spec.priority"],
  [`${JOBS}?fieldSelector=status.active%3D1`, "field label not supported: status.active"],
  ["/api/v1/nodes?fieldSelector=spec.unschedulable", "can't understand 'spec.unschedulable'"],
  ["/api/v1/pods?labelSelector=a%3D%3D%3Db", "unable to parse requirement: found 'a===b'"],
  ["/api/v1/pods?labelSelector=a%20in%20b", "unable to parse requirement"],
])("%s: 400", async (path, words) => {
  const answer = await call("GET", path);
  expect(answer).toMatchObject({ code: 400, reason: "BadRequest", message: expect.stringContaining(words) });
  expect(answer).not.toHaveProperty("details");
});

test.each([
  ["app=x", ["one"]],
  ["app==x,tier", []],
  ["app in (x, y)", ["one", "two"]],
  ["app notin (x),tier", ["two"]],
  ["!tier,app", ["one"]],
  ["app!=x", ["three", "two"]],
])("the label selector %s", async (selector, names) => {
  const { put } = cluster;
  const namespace = `ns-${Buffer.from(selector).toString("hex")}`;
  const data = {};
  put("Secret", namespace, { metadata: { name: "one", labels: { app: "x" } }, data });
  put("Secret", namespace, { metadata: { name: "two", labels: { app: "y", tier: "" } }, data });
  put("Secret", namespace, { metadata: { name: "three" }, data });
  const query = new URLSearchParams({ labelSelector: selector });
  const { items } = await call("GET", `/api/v1/namespaces/${namespace}/secrets?${query}`);
  expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
});

// k8s.io/apiserver, pkg/storage/etcd3/errors.go.
test("a continue token that has expired: 410 with another one, which goes on with what there is now", async () => {
  for (const name of ["a", "b", "c", "d"]) cluster.put("Secret", "paged", { metadata: { name }, data: {} });
  const list = (more: string) => call("GET", `/api/v1/namespaces/paged/secrets?limit=2&${more}`);
  const first = await list("");
  cluster.expireTokens();
  const late = await list(`continue=${first.metadata.continue}`);
  expect(late).toMatchObject({ code: 410, reason: "Expired" });
  expect(late.message).toContain("or use the continue token in this response");
  cluster.put("Secret", "paged", { metadata: { name: "bb" }, data: {} });
  const rest = await list(`continue=${late.metadata.continue}`);
  expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(["bb", "c"]);
  const last = await list(`continue=${rest.metadata.continue}`);
  expect(last.items.map(({ metadata }) => metadata.name)).toEqual(["d"]);
});
