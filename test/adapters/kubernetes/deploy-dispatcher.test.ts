// deploy/kubernetes/dispatcher: Service, policies, configuration, image and docs agree, and the pod is as locked up as it
// may be.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IIngress, INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { INamespace, IPersistentVolumeClaim, IService } from "kubernetes-models/v1";
import { describe, expect, test } from "vitest";
import { createWorkerEnv } from "../../../functions/worker-env.ts";
import { createWorkerTokens } from "../../../shared/adapters/crypto/worker-token.ts";
import { createOidcVerifier } from "../../../shared/adapters/oidc/oidc-verifier.ts";
import { workerJob } from "../../../shared/adapters/pools/kubernetes/job/worker-job.ts";
import { formatFaults } from "../../../shared/config/config.ts";
import { parseConfig } from "../../../shared/config/parse.ts";
import { redact } from "../../../shared/redacted.ts";
import { readConfig as readWorkerConfig } from "../../../worker/config.ts";
import { createUrls } from "../../../worker/urls.ts";
import { aWorker, T0 } from "../../domain/builders.ts";
import { manualClock } from "../../fakes/clock.ts";
import { startOidcIssuer } from "../../fakes/oidc-issuer.ts";
import { OBJECTS, ROOT, textOf } from "./manifests.ts";
import { specOf } from "./pool-world.ts";

const PROJECT = join(ROOT, "..", "..");
const dockerfile = readFileSync(join(PROJECT, "deploy", "dispatcher", "Dockerfile"), "utf8");

function objectIn<T>(file: string, kind: string): T {
  const found = OBJECTS.find(({ name, object }) => name === file && object.kind === kind);
  if (found === undefined) throw new Error(`${file} has no ${kind}`);
  return found.object as T;
}

const deployment = objectIn<IDeployment>("dispatcher/deployment.yaml", "Deployment");
const service = objectIn<IService>("dispatcher/service.yaml", "Service");
const policy = objectIn<INetworkPolicy>("dispatcher/network-policy.yaml", "NetworkPolicy");
const pod = deployment.spec!.template.spec!;
const container = pod.containers[0]!;
const labels = deployment.spec?.template.metadata?.labels;
const [port] = service.spec?.ports ?? [];

function readConfig() {
  const parsed = parseConfig(textOf("dispatcher/dispatch.yaml"));
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return parsed.config;
}

describe("the way of a worker to the dispatcher", () => {
  test("publicUrl is the Service, and the Service is the pod", () => {
    const { name, namespace } = service.metadata ?? {};
    expect(readConfig().publicUrl).toBe(`http://${name}.${namespace}.svc:${port?.port}`);
    expect(labels).toMatchObject(service.spec?.selector ?? {});
    expect(deployment.spec?.selector.matchLabels).toEqual(labels);
    expect(container.ports).toEqual([{ name: port?.targetPort, containerPort: port?.port }]);
  });

  test("a worker that the dispatcher starts calls the Service", () => {
    const { publicUrl = "" } = readConfig();
    const worker = aWorker();
    const env = createWorkerEnv(publicUrl, createWorkerTokens(redact("s".repeat(32))))(worker);
    const outcome = readWorkerConfig(env, "/work", worker.id);
    if (!outcome.ok) throw new Error(outcome.faults.join("\n"));
    const urls = createUrls(outcome.config.templates, worker.id);
    for (const url of [urls.take("boot"), urls.registration("boot", "jit", 1), urls.done("job")])
      expect(url.startsWith(`${publicUrl}/v2/${worker.endpoint}/`), url).toBe(true);
  });

  test("steps get tokens for publicUrl, and they are taken", async () => {
    const issuer = await startOidcIssuer();
    try {
      const audience = readConfig().publicUrl ?? "";
      const options = { issuer: issuer.url, audience, clock: manualClock(T0), random: { fraction: () => 0 } };
      const { verify } = createOidcVerifier(options);
      expect(await verify(await issuer.sign(T0, { audience }))).toMatchObject({ type: "verified" });
      expect(await verify(await issuer.sign(T0))).toMatchObject({ type: "refused" });
    } finally {
      await issuer.close();
    }
  });

  test("the dispatcher's policy lets in the pods that its own pool makes", () => {
    const { spec, settings } = poolOf();
    const plan = {
      spec,
      settings,
      owner: { deployment: "test00", pool: "a2" },
      namespace: "npu",
      image: "worker:1",
    };
    const worker = workerJob(plan).spec?.template.metadata?.labels ?? {};
    const [rule] = policy.spec?.ingress ?? [];
    expect(rule?.from).toEqual([
      {
        namespaceSelector: {},
        podSelector: { matchExpressions: [{ key: expect.any(String), operator: "Exists" }] },
      },
    ]);
    for (const { key } of rule?.from?.[0]?.podSelector?.matchExpressions ?? [])
      expect(Object.keys(worker)).toContain(key);
    expect(rule?.ports).toEqual([{ protocol: "TCP", port: port?.port }]);
    expect(policy.spec?.podSelector?.matchLabels).toEqual(labels);
  });

  test("the workers' policy lets them out to it", () => {
    const { egress } = objectIn<INetworkPolicy>("tenant/network-policy.yaml", "NetworkPolicy").spec ?? {};
    expect(egress).toContainEqual({
      to: [
        {
          namespaceSelector: {
            matchLabels: { "kubernetes.io/metadata.name": deployment.metadata?.namespace },
          },
        },
      ],
      ports: [{ protocol: "TCP", port: port?.port }],
    });
  });

  function poolOf() {
    const [pool] = readConfig().pools;
    if (pool?.driver !== "kubernetes") throw new Error("it is a kubernetes pool");
    expect(pool.kubernetes.cluster).toEqual({ auth: "in-cluster" });
    return { spec: specOf({ command: undefined }), settings: pool.kubernetes };
  }
});

describe("the pod", () => {
  test("is one, the old one gone before the new one comes, with a volume of one node", () => {
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    const claim = objectIn<IPersistentVolumeClaim>("dispatcher/volume.yaml", "PersistentVolumeClaim");
    expect(claim.spec?.accessModes).toEqual(["ReadWriteOnce"]);
    expect(pod.volumes).toContainEqual({
      name: "data",
      persistentVolumeClaim: { claimName: claim.metadata?.name },
    });
  });

  test("has its data and its configuration where the image looks, and the image's user", () => {
    const imageEnv = Object.fromEntries(
      [...dockerfile.matchAll(/^(?:ENV)? +([A-Z_]+)=(\S+)/gm)].map(([, name, value]) => [name, value]),
    );
    const mounts = new Map(container.volumeMounts?.map(({ name, mountPath }) => [name, mountPath]));
    expect(imageEnv["DISPATCH_DATA"]).toBe(mounts.get("data"));
    expect(imageEnv["DISPATCH_CONFIG"]).toBe(`${mounts.get("config")}/dispatch.yaml`);
    expect(imageEnv["HOST"]).toBe("0.0.0.0");
    const { runAsUser, runAsGroup, fsGroup } = pod.securityContext ?? {};
    expect(dockerfile).toContain(`\nUSER ${runAsUser}:${runAsGroup}\n`);
    expect(fsGroup).toBe(runAsGroup);
    expect(dockerfile).toContain(`\nEXPOSE ${port?.port}\n`);
  });

  test("fits its namespace's level, restricted, and cannot write but to its volumes", () => {
    const namespace = objectIn<INamespace>("account/account.yaml", "Namespace");
    expect(namespace.metadata?.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect([pod.hostNetwork, pod.hostPID, pod.hostIPC]).toEqual([undefined, undefined, undefined]);
    const kinds = pod.volumes?.flatMap((volume) => Object.keys(volume).filter((key) => key !== "name"));
    expect(kinds).toEqual(["persistentVolumeClaim", "configMap", "emptyDir"]);
  });

  test("has the account's token, which in-cluster pools use, and time for what is under way", () => {
    expect(pod).toMatchObject({ serviceAccountName: "dispatcher", automountServiceAccountToken: true });
    const server = readFileSync(join(PROJECT, "functions", "http-server.ts"), "utf8");
    const patience = Number(/const PATIENCE_MS = (\d+_\d+)/.exec(server)?.[1]?.replace("_", ""));
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(patience / 1_000);
  });

  test("is asked at a path that there is", () => {
    const server = readFileSync(join(PROJECT, "functions", "server.ts"), "utf8");
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      expect(probe?.httpGet).toEqual({ path: "/healthz", port: port?.targetPort });
      expect(server).toContain(`app.get("${probe?.httpGet?.path}"`);
    }
  });

  test("no secret is in the files: they come from one that docs/deploy.md makes", () => {
    const names = container.envFrom?.map(({ secretRef }) => secretRef?.name);
    expect(names).toEqual(["npu-dispatch"]);
    expect(container.env?.map(({ name }) => name)).toEqual(["DISPATCH_URL"]);
    const docs = readFileSync(join(PROJECT, "docs", "deploy.md"), "utf8");
    const [, command = ""] =
      /kubectl -n npu-dispatch create secret generic npu-dispatch((?:.*\\\n)*.*)/.exec(docs) ?? [];
    const given = [...command.matchAll(/--from-(?:file|literal)=?\s*([A-Z_]+)=/g)].map(([, name]) => name);
    expect(given).toEqual([
      "GITHUB_APP_ID",
      "GITHUB_APP_PRIVATE_KEY",
      "GITHUB_WEBHOOK_SECRET",
      "DISPATCH_SECRET",
      "ADMIN_KEY",
    ]);
    const documented = readFileSync(join(PROJECT, "docs", "configuration.md"), "utf8");
    for (const name of given) expect(documented).toContain(`| \`${name}\` |`);
  });
});

test("the Ingress passes deliveries to the Service and nothing else", () => {
  const { spec } = objectIn<IIngress>("webhook-ingress/ingress.yaml", "Ingress");
  const backend = { service: { name: service.metadata?.name, port: { name: port?.name } } };
  expect(spec?.rules?.flatMap(({ http }) => http?.paths)).toEqual([
    { path: "/webhooks/github", pathType: "Exact", backend },
  ]);
  const webhook = objectIn<INetworkPolicy>("webhook-ingress/network-policy.yaml", "NetworkPolicy");
  expect(webhook.spec?.podSelector?.matchLabels).toEqual(labels);
  expect(webhook.spec?.ingress?.[0]?.ports).toEqual([{ protocol: "TCP", port: port?.port }]);
});
