// The builder in a worker's pod: what the API server is told, and that the pod waits for it and ends without it.
import { expect, test } from "vitest";
import { BUILDER_COMMAND } from "../../../shared/adapters/pools/builder.ts";
import { workerJob } from "../../../shared/adapters/pools/kubernetes/job/worker-job.ts";
import type { KubernetesSettings } from "../../../shared/adapters/pools/kubernetes/settings.ts";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { settingsOf } from "../../contract/kubernetes-pool-under-test.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { validateObject } from "../../fakes/kubernetes/api/validate.ts";
import { expand } from "../../fakes/kubernetes/container.ts";
import { openWorld, specOf } from "./pool-world.ts";

const BUILDER = {
  image: "kaniko:1",
  folder: "/home/runner/_work",
  endpoints: undefined,
  cpu: "2",
  memory: "4Gi",
};

function podOf(settings: Partial<KubernetesSettings> = {}, spec: Partial<StartSpec> = {}) {
  const job = workerJob({
    spec: specOf(spec),
    settings: settingsOf({ builder: BUILDER, ...settings }),
    owner: { deployment: "test00", pool: "a2" },
    namespace: "npu-acme",
    image: "worker:1",
  });
  validateObject({ plural: "jobs", group: "batch", kind: "Job" }, job, true);
  const pod = job.spec?.template.spec;
  if (pod === undefined) throw new Error("the Job has no pod");
  return pod;
}

test("a native sidecar with the work folder, limits and few rights: no card, no Secret, no token of a service account", () => {
  const pod = podOf({ env: { HTTPS_PROXY: "http://proxy/$1", PIP_INDEX_URL: "http://mirror" } });
  expect(pod.initContainers).toEqual([
    {
      name: "builder",
      image: "kaniko:1",
      imagePullPolicy: "IfNotPresent",
      restartPolicy: "Always",
      command: expect.any(Array),
      env: [
        { name: "HTTPS_PROXY", value: "http://proxy/$$1" },
        { name: "KANIKO_SIDECAR_DIR", value: "/home/runner/_work" },
      ],
      resources: { requests: { cpu: "2", memory: "4Gi" }, limits: { cpu: "2", memory: "4Gi" } },
      volumeMounts: [{ name: "builder", mountPath: "/home/runner/_work" }],
      securityContext: {
        runAsUser: 0,
        runAsGroup: 0,
        runAsNonRoot: false,
        privileged: false,
        allowPrivilegeEscalation: false,
        capabilities: {
          drop: ["ALL"],
          add: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETUID"],
        },
      },
    },
  ]);
  expect(pod.initContainers?.[0]?.command?.map((word) => expand(word, {}))).toEqual(BUILDER_COMMAND);
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    volumes: [{ name: "builder", emptyDir: {} }],
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
  });
  expect(pod.shareProcessNamespace).toBeUndefined();
  const [worker] = pod.containers;
  expect(worker?.env).toContainEqual({ name: "KANIKO_SIDECAR_DIR", value: "/home/runner/_work" });
  expect(worker?.volumeMounts).toEqual([{ name: "builder", mountPath: "/home/runner/_work" }]);
});

test("a volume that the pool mounts at the work folder is shared, and no second one is made", () => {
  const volume = {
    type: "empty",
    mountPath: BUILDER.folder,
    readOnly: false,
    memory: false,
    size: "50Gi",
  } as const;
  const pod = podOf({ volumes: [volume] });
  expect(pod.volumes).toEqual([{ name: "volume-0", emptyDir: { sizeLimit: "50Gi" } }]);
  const mounts = [{ name: "volume-0", mountPath: BUILDER.folder }];
  expect(pod.containers[0]?.volumeMounts).toEqual(mounts);
  expect(pod.initContainers?.[0]?.volumeMounts).toEqual(mounts);
});

test.each([
  [["linux-aarch64-a2-{npus}"], "linux-aarch64-a2-8", true],
  [["linux-aarch64-a2-{npus}"], "linux-aarch64-a2-", false],
  [["linux-aarch64-a2-{npus}"], "linux-aarch64-a2-8-big", false],
  [["linux-cpu"], "linux-cpu", true],
  [["linux-cpu"], "linux-cpu-2", false],
])("for the endpoints %j, %s has a builder: %s", (endpoints, endpoint, has) => {
  const pod = podOf({ builder: { ...BUILDER, endpoints } }, { endpoint });
  expect(pod.initContainers !== undefined).toBe(has);
  expect(JSON.stringify(pod).includes("KANIKO_SIDECAR_DIR")).toBe(has);
});

test("the worker starts after it and ends with its own code; the builder does not keep the pod", async () => {
  await using world = await openWorld({ builder: BUILDER });
  const spec = specOf();
  await world.driver.start(spec);
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  world.runner.containers[0]?.exit(3);
  await expect
    .poll(() => world.driver.inspect(spec.workerId), POLL)
    .toMatchObject({ type: "exited", code: 3 });
  expect(await world.driver.stop(spec.workerId, 0)).toBe("gone");
});

test("an image of its that cannot be pulled is what the worker waits for", async () => {
  await using world = await openWorld({ builder: BUILDER });
  world.cluster.images.set("kaniko:1", { missing: true });
  const spec = specOf();
  await world.driver.start(spec);
  await expect
    .poll(() => world.driver.inspect(spec.workerId), POLL)
    .toMatchObject({ waits: expect.stringContaining("Its image kaniko:1"), waitsFor: "image" });
  expect(world.runner.containers).toEqual([]);
});
