// The ways to a cluster: kubeconfig with a context or an exec plugin, a token with a private authority, the pod's own
// account.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEksToken } from "../../../shared/adapters/pools/kubernetes/eks-token.ts";
import { createKubernetesPool } from "../../../shared/adapters/pools/kubernetes/kubernetes-pool.ts";
import type { ClusterAccess } from "../../../shared/adapters/pools/kubernetes/settings.ts";
import { settingsOf } from "../../contract/kubernetes-pool-under-test.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";
import { type ClusterStandIn, startClusterStandIn } from "../../fakes/kubernetes/cluster-stand-in.ts";
import { createScriptedRunner } from "../../fakes/kubernetes/scripted-runner.ts";
import { specOf } from "./pool-world.ts";

let dir: string;
let cluster: ClusterStandIn;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-kubernetes-"));
  cluster = await startClusterStandIn({ run: createScriptedRunner().run });
  cluster.rules.tokens.add("good-token");
});
afterEach(async () => {
  await cluster.close();
  await rm(dir, { recursive: true, force: true });
});

function open(access: ClusterAccess, env: { readonly [name: string]: string } = {}) {
  const deps = { deployment: "test00", clock: { now: Date.now }, log: createCollectingLog(), env };
  return createKubernetesPool(settingsOf({ cluster: access }), deps);
}

async function file(name: string, content: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

test("a kubeconfig and one of its contexts", async () => {
  const config = JSON.parse(cluster.kubeconfig("good-token"));
  config.users.push({ name: "stranger", user: { token: "bad-token" } });
  config.contexts.push({ name: "other", context: { cluster: "stand-in", user: "stranger" } });
  const path = await file("kubeconfig", JSON.stringify(config));
  expect(await open({ auth: "kubeconfig", path }).list()).toEqual([]);
  await expect(open({ auth: "kubeconfig", path, context: "other" }).list()).rejects.toThrow(
    /401 Unauthorized/,
  );
  expect(() => open({ auth: "kubeconfig", path, context: "none" })).toThrow(
    /no context "none"\. Check cluster\.context/,
  );
});

test("a kubeconfig whose exec plugin gives the token, as that of EKS", async () => {
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: "good-token", expirationTimestamp: new Date(Date.now() + 60_000).toISOString() },
  };
  const printed = await file("credential.json", JSON.stringify(credential));
  const config = JSON.parse(cluster.kubeconfig());
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "cat",
    args: [printed],
    interactiveMode: "Never",
  };
  config.users[0].user = { exec };
  const path = await file("kubeconfig", JSON.stringify(config));
  expect(await open({ auth: "kubeconfig", path }).list()).toEqual([]);
});

test.each([
  [
    "a kubeconfig that is not there",
    { auth: "kubeconfig", path: "/nowhere/kubeconfig" },
    /kubeconfig \/nowhere\/kubeconfig cannot be read\. Check cluster\.path/,
  ],
  [
    "a pod's account outside of a pod",
    { auth: "in-cluster" },
    /the dispatcher is in no pod\. Set cluster\.auth/,
  ],
  [
    "a variable that is not set",
    { auth: "token", server: "https://x", tokenEnv: "KUBE_TOKEN" },
    /variable KUBE_TOKEN, named by cluster\.tokenEnv, is not set/,
  ],
] as const)("%s is told at the start", (_name, access, says) => {
  expect(() => open(access)).toThrow(says);
});

test("a token from a file or a variable, over TLS with a private authority", async ({ skip }) => {
  const certificate = await makeCertificate(dir);
  if (certificate === undefined) return skip("openssl is not installed");
  await using tls = await frontWithTls(cluster.url, certificate);
  const { url: server } = tls;
  const caFile = certificate.cert;
  const tokenFile = await file("token", "good-token\n");
  expect(await open({ auth: "token", server, caFile, tokenFile }).list()).toEqual([]);
  expect(
    await open(
      { auth: "token", server, caFile, tokenEnv: "KUBE_TOKEN" },
      { KUBE_TOKEN: "good-token\n" },
    ).list(),
  ).toEqual([]);
  const caData = Buffer.from(await readFile(caFile)).toString("base64");
  expect(await open({ auth: "token", server, caData, tokenFile }).list()).toEqual([]);
  // Without the authority the server is a stranger.
  const stranger = open({ auth: "token", server, tokenFile });
  expect(await stranger.start(specOf())).toMatchObject({
    type: "unavailable",
    message: expect.stringMatching(/could not be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/),
  });
});

test.each([
  ["ends in a line break", (token: string) => `${token}\n`],
  ["ends as Windows ends lines", (token: string) => ` ${token}\r\n`],
])("a kubeconfig's token that %s", async (_name, written) => {
  const token = written("good-token");
  const config = JSON.parse(cluster.kubeconfig(token));
  const path = await file("kubeconfig", JSON.stringify(config));
  expect(await open({ auth: "kubeconfig", path }).list()).toEqual([]);
});

test("a token that no header can carry is told without a word of it", async () => {
  const token = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl";
  const path = await file("kubeconfig", cluster.kubeconfig(`${token}\n${token}`));
  const outcome = await open({ auth: "kubeconfig", path }).start(specOf());
  expect(outcome).toMatchObject({
    type: "unavailable",
    message: expect.stringContaining("the token of pool a2 has a line break"),
  });
  expect(JSON.stringify(outcome)).not.toMatch(/eyJ|c2Vj|Bearer/);
});

test("a token file that is not there is said to be that", async () => {
  const access = { auth: "token", server: "https://127.0.0.1:1", tokenFile: join(dir, "none") } as const;
  expect(await open(access).start(specOf())).toMatchObject({
    type: "unavailable",
    message: expect.stringMatching(/credentials .* cannot be read: ENOENT at .*none\./),
  });
});

test("EKS, by the credentials of the environment", async ({ skip }) => {
  const certificate = await makeCertificate(dir);
  if (certificate === undefined) return skip("openssl is not installed");
  await using tls = await frontWithTls(cluster.url, certificate);
  const env = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
  const eks = { cluster: "ci", region: "eu-central-1" };
  const access = { auth: "eks", server: tls.url, caFile: certificate.cert, ...eks } as const;
  await expect(open(access, env).list()).rejects.toThrow(/401 Unauthorized/);
  // Signed to the second: those of the next ones.
  for (let second = 0; second < 30; second++) {
    const token = createEksToken(eks, "a2", env);
    cluster.rules.tokens.add(await token(Date.now() + second * 1_000));
  }
  expect(await open(access, env).list()).toEqual([]);
});

type Certificate = { readonly key: string; readonly cert: string };

async function makeCertificate(folder: string): Promise<Certificate | undefined> {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  const subject = ["-subj", "/CN=stand-in", "-addext", "subjectAltName=IP:127.0.0.1"];
  try {
    await promisify(execFile)("openssl", [...args, ...subject, "-keyout", key, "-out", cert]);
    return { key, cert };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function frontWithTls(url: string, { key, cert }: Certificate) {
  const { port } = new URL(url);
  const options = { key: await readFile(key), cert: await readFile(cert) };
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer(options, (socket) => {
    const behind = connectTcp(Number(port), "127.0.0.1");
    sockets.add(socket).add(behind);
    socket.on("error", () => behind.destroy());
    behind.on("error", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `https://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
