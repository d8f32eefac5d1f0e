// The built dispatcher image on a real engine, as deploy/kubernetes/dispatcher runs it: `.ci/image.sh --check` builds it.
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEngine, type Engine } from "../../shared/adapters/pools/docker/engine/engine.ts";
import { until } from "../e2e/until.ts";
import { ROOT } from "./image-under-test.ts";

const { NPU_DISPATCH_DISPATCHER_IMAGE: image, DOCKER_HOST: host } = process.env;
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const ADMIN_KEY = "k".repeat(32);

if (image && host) describeImage(image, createEngine({ url: host, tls: undefined }));
else {
  const missing = "there is no built dispatcher image: run .ci/image.sh --check";
  process.stderr.write(`${missing}\n`);
  describe("the dispatcher image", () => {
    test("is built", ({ skip }) => skip(missing));
  });
}

function describeImage(name: string, engine: Engine): void {
  describe("the dispatcher image", { timeout: 90_000 }, () => {
    let dir = "";
    let id = "";
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), "dispatcher-image-"));
      id = "";
    });
    afterEach(async () => {
      if (id !== "")
        await engine.call({ method: "DELETE", path: `/containers/${id}`, query: { force: "1", v: "1" } });
      await rm(dir, { recursive: true, force: true });
    });

    test("says what it is: one program, no root, a volume, TERM for its end, probes left to Kubernetes", async () => {
      const { Config: config, Size: size } = await get(`/images/${name}/json`);
      expect(config).toMatchObject({
        Entrypoint: ["node", "functions/serve.ts"],
        User: "1000:1000",
        StopSignal: expect.stringMatching(/^(SIGTERM|15)$/),
        Volumes: { "/var/lib/npu-dispatch": {} },
        Labels: {
          "org.opencontainers.image.title": "npu-dispatch",
          "org.opencontainers.image.licenses": "MIT",
          "org.opencontainers.image.version": "dev",
          "org.opencontainers.image.created": expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        },
      });
      expect(config.Healthcheck ?? null).toBeNull();
      expect(config.Env.filter((entry: string) => /TOKEN|SECRET|PASSW|KEY/i.test(entry))).toEqual([]);
      // 362 MB of which packages are 118; those of development would be 600 more.
      expect(size).toBeLessThan(420_000_000);
    });

    test("serves from a read-only root without capabilities, ends by TERM with 0, starts again on its data", async () => {
      const url = await create();
      await start();
      await up(url);
      expect(await statusOf(`${url}/v2/linux-arm64-npu-1/ping/w`)).toBe(401);
      expect(await statusOf(`${url}/webhooks/github`, "POST")).toBe(401);
      const said = await exec(["node", "scripts/operate.ts", "state"]);
      // Nobody answers where the API server should be.
      expect(said).toContain("a2");
      const asked = Date.now();
      await engine.call({
        method: "POST",
        path: `/containers/${id}/stop`,
        query: { t: "40" },
        extraMs: 40_000,
      });
      const { State: state } = await get(`/containers/${id}/json`);
      expect(state).toMatchObject({ Running: false, ExitCode: 0 });
      expect(Date.now() - asked).toBeLessThan(25_000);
      await start();
      await up(url);
    });

    test("without its secrets it says which and ends with 1", async () => {
      await create(["GITHUB_APP_ID=1"]);
      await start();
      await until("its end", async () => !(await get(`/containers/${id}/json`)).State.Running);
      expect((await get(`/containers/${id}/json`)).State.ExitCode).toBe(1);
      const query = { stdout: "1", stderr: "1" };
      const { text } = await engine.call({ method: "GET", path: `/containers/${id}/logs`, query });
      expect(text).toContain("GITHUB_WEBHOOK_SECRET: It is not set.");
    });

    async function create(env?: readonly string[]): Promise<string> {
      const port = await freePort();
      const config = await folder("config", {
        "dispatch.yaml": await readFile(join(ROOT, "deploy/kubernetes/dispatcher/dispatch.yaml"), "utf8"),
      });
      const account = await folder("account", { token: "t", "ca.crt": "", namespace: "npu-dispatch" });
      const json = {
        Image: name,
        Env: [
          `PORT=${port}`,
          "HOST=127.0.0.1",
          ...(env ?? secrets()),
          `DISPATCH_URL=http://127.0.0.1:${port}`,
        ],
        HostConfig: {
          NetworkMode: "host",
          ReadonlyRootfs: true,
          CapDrop: ["ALL"],
          SecurityOpt: ["no-new-privileges"],
          Mounts: [bind(config, "/etc/npu-dispatch"), bind(account, ACCOUNT)],
          // Podman's own are above what a machine without CAP_SYS_RESOURCE allows.
          Ulimits: [
            { Name: "nofile", Soft: 4096, Hard: 4096 },
            { Name: "nproc", Soft: 8192, Hard: 8192 },
          ],
        },
      };
      const { status, text } = await engine.call({ method: "POST", path: "/containers/create", json });
      expect(status, text).toBe(201);
      id = JSON.parse(text).Id;
      return `http://127.0.0.1:${port}`;
    }

    /** Readable for the image's user. */
    async function folder(part: string, files: { readonly [name: string]: string }): Promise<string> {
      const path = join(dir, part);
      await mkdir(path, { mode: 0o755 });
      for (const [file, text] of Object.entries(files))
        await writeFile(join(path, file), text, { mode: 0o644 });
      return path;
    }

    async function start(): Promise<void> {
      const { status, text } = await engine.call({ method: "POST", path: `/containers/${id}/start` });
      expect(status, text).toBe(204);
    }

    async function exec(command: readonly string[]): Promise<string> {
      const json = { Cmd: command, AttachStdout: true, AttachStderr: true };
      const { text } = await engine.call({ method: "POST", path: `/containers/${id}/exec`, json });
      const path = `/exec/${JSON.parse(text).Id}/start`;
      return (await engine.call({ method: "POST", path, json: { Detach: false }, extraMs: 45_000 })).text;
    }

    async function get(path: string) {
      return JSON.parse((await engine.call({ method: "GET", path })).text);
    }
  });
}

function secrets(): readonly string[] {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return [
    "GITHUB_APP_ID=1",
    `GITHUB_APP_PRIVATE_KEY=${privateKey.export({ type: "pkcs1", format: "pem" })}`,
    "GITHUB_WEBHOOK_SECRET=webhook-secret",
    `DISPATCH_SECRET=${"s".repeat(32)}`,
    `ADMIN_KEY=${ADMIN_KEY}`,
    // Neither GitHub nor the API server is there: port 9 is nobody's.
    "GITHUB_API_URL=http://127.0.0.1:9",
    "KUBERNETES_SERVICE_HOST=127.0.0.1",
    "KUBERNETES_SERVICE_PORT=9",
  ];
}

function bind(source: string, target: string) {
  return { Type: "bind", Source: source, Target: target, ReadOnly: true };
}

async function up(url: string): Promise<void> {
  const healthz = async () => (await statusOf(`${url}/healthz`)) === 200;
  await until("an answer of /healthz", () => healthz().catch(() => false));
}

async function statusOf(url: string, method = "GET"): Promise<number> {
  const response = await fetch(url, { method, ...(method === "POST" ? { body: "{}" } : {}) });
  await response.body?.cancel();
  return response.status;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
