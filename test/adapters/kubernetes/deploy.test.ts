// deploy/kubernetes: every object fits its schema, every file is used, and the roles are what the driver calls, no more.
import { join, relative } from "node:path";
import { Deployment } from "kubernetes-models/apps/v1";
import { Ingress, NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { ClusterRole, ClusterRoleBinding, RoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1";
import {
  LimitRange,
  Namespace,
  PersistentVolumeClaim,
  ResourceQuota,
  Service,
  ServiceAccount,
} from "kubernetes-models/v1";
import { expect, test } from "vitest";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { targetOf } from "../../fakes/kubernetes/api/resources.ts";
import { FILES, MANIFESTS, OBJECTS, ROOT } from "./manifests.ts";
import { openWorld, specOf } from "./pool-world.ts";

const SCHEMAS: { readonly [kind: string]: new (data: never) => { validate(): void } } = {
  ClusterRole,
  ClusterRoleBinding,
  Deployment,
  Ingress,
  LimitRange,
  Namespace,
  NetworkPolicy,
  PersistentVolumeClaim,
  ResourceQuota,
  RoleBinding,
  Service,
  ServiceAccount,
};

test.each(OBJECTS.map(({ name, object }) => [name, object.kind, object] as const))(
  "%s: %s",
  (_name, kind, object) => {
    const Schema = SCHEMAS[kind];
    expect(Schema).toBeDefined();
    expect(() => new Schema!(object as never).validate()).not.toThrow();
  },
);

test("kustomizations name files and folders that are there, and every file is named", () => {
  const named = MANIFESTS.flatMap(({ name, object }) =>
    [...(object.resources ?? []), ...(object.configMapGenerator ?? []).flatMap(({ files }) => files)].map(
      (file) => relative(ROOT, join(ROOT, name, "..", file)),
    ),
  );
  const folders = new Set(FILES.map((name) => join(name, "..")));
  for (const name of named) expect(FILES.includes(name) || folders.has(name), name).toBe(true);
  for (const name of FILES.filter((file) => !file.endsWith("kustomization.yaml")))
    expect(named).toContain(name);
});

test("the roles allow what the driver does, and nothing else", async () => {
  const labels = {};
  await using world = await openWorld({ namespace: { template: "npu-{owner}", create: true, labels } });
  const { driver, runner, cluster, open } = world;
  const spec = specOf();
  await driver.capacity();
  await driver.start(spec);
  await driver.inspect(spec.workerId);
  await driver.start(spec);
  await expect.poll(() => runner.containers.length, POLL).toBe(1);
  runner.ignoreTerm = true;
  cluster.addQuota("npu-acme", { "count/jobs.batch": "1" });
  await driver.start(spec);
  await driver.start(specOf({ cards: 99 }));
  await driver.logsTail(spec.workerId, 1);
  await driver.stop(spec.workerId, 1_000);
  const waiting = specOf({ cards: 64 });
  await driver.start(waiting);
  await driver.inspect(waiting.workerId);
  const queued = specOf({ owner: "Beta" });
  cluster.rules.kueue = true;
  const behindKueue = open({ queue: { type: "kueue", queue: "team-a" } });
  await behindKueue.start(queued);
  await behindKueue.inspect(queued.workerId);
  // Older releases of Kueue have no v1beta2.
  const found = cluster.api.requests.filter((line) => !line.includes("/v1beta2/"));
  const used = new Set(found.map(rightOf));
  const rules = OBJECTS.flatMap(({ object }) => (object.kind === "ClusterRole" ? (object.rules ?? []) : []));
  const allowed = new Set(
    rules.flatMap(({ resources, verbs }) => resources.flatMap((of) => verbs.map((verb) => `${verb} ${of}`))),
  );
  expect(allowed).toEqual(used);
});

function rightOf(line: string): string {
  const [method = "", url = ""] = line.split(" ");
  const target = targetOf(new URL(url, "http://localhost").pathname);
  const verbs: { readonly [method: string]: string } = {
    POST: "create",
    DELETE: "delete",
    GET: target?.name === undefined ? "list" : "get",
  };
  const what =
    target?.sub === undefined ? target?.resource.plural : `${target.resource.plural}/${target.sub}`;
  return `${verbs[method]} ${what}`;
}

test.each(OBJECTS)(
  "$name has no empty list, which the API server drops: each apply would be a change",
  ({ object }) => {
    expect(JSON.stringify(object)).not.toContain(":[]");
  },
);
