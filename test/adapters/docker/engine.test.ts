// Engines that are away, silent, closed or no engines at all: each is told apart, and nothing hangs.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { engineFault } from "../../../shared/adapters/pools/docker/engine/engine-fault.ts";
import type { EngineAddress } from "../../../shared/adapters/pools/docker/settings.ts";
import { newId } from "../../contract/pool-driver-contract.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
});
afterEach(() => on.close());

const at = (url: string, tls: EngineAddress["tls"] = undefined) => on.open({ host: { url, tls } });

describe("no answer", () => {
  test("nobody listens: later, with what to look at", async () => {
    const { host } = on.engine;
    await on.engine.close();
    const outcome = { type: "unavailable", message: expect.stringContaining("systemctl status docker") };
    expect(await at(host).start(specOf())).toMatchObject(outcome);
    expect(await at("unix:///nowhere/docker.sock").start(specOf())).toMatchObject(outcome);
    await expect(at(host).inspect(newId())).rejects.toThrow("no Docker engine answers");
    // Nobody can say that it is gone.
    expect(await at(host).stop(newId(), 0)).toBe("stopping");
    expect(on.log.of("worker-not-stopped")).toHaveLength(1);
  });

  test("half open: calls are taken and never answered", async () => {
    on.engine.fault = ({ path }) => (path === "/_ping" ? undefined : "hang");
    const driver = on.open({}, { answerMs: 500 });
    const silent = { type: "unavailable", message: expect.stringContaining("does not answer in time") };
    expect(await driver.start(specOf())).toMatchObject(silent);
    await expect(driver.list()).rejects.toThrow("does not answer in time");
    on.engine.fault = () => undefined;
    expect(await driver.start(specOf())).toEqual({ type: "started" });
  });

  test("an answer that was lost after its effect is made good by the next start", async () => {
    const spec = specOf();
    const driver = on.open();
    let cut = true;
    on.engine.fault = ({ path, query, body }) => {
      if (path !== "/containers/create" || !cut) return undefined;
      cut = false;
      const name = query.get("name") ?? "";
      const given = body as never;
      on.engine.containers.set(name, {
        name,
        body: given,
        status: "created",
        exitCode: 0,
        outOfMemory: false,
        signals: [],
      });
      return "cut";
    };
    expect(await driver.start(spec)).toMatchObject({
      type: "unavailable",
      message: expect.stringContaining("closed"),
    });
    expect(await driver.start(spec)).toEqual({ type: "started" });
    expect(on.engine.containers.size).toBe(1);
  });
});

describe("wrong settings are refusals", () => {
  test("what listens is no engine, or speaks another language", async () => {
    on.engine.fault = () => ({ status: 404, body: "<html>" });
    expect(await on.open().start(specOf())).toMatchObject({
      type: "refused",
      message: expect.stringContaining("no Docker engine"),
    });
    const greeter = createServer((socket) => {
      socket.write("SSH-2.0-OpenSSH\r\n", () => socket.destroy());
    });
    await new Promise<void>((resolve) => greeter.listen(0, "127.0.0.1", resolve));
    const { port } = greeter.address() as { port: number };
    const outcome = await at(`tcp://127.0.0.1:${port}`).start(specOf());
    expect(outcome).toMatchObject({ type: "refused", message: expect.stringContaining("plain HTTP") });
    await new Promise((resolve) => greeter.close(resolve));
  });

  test("tls towards an engine without it, and files that cannot be read", async () => {
    const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-tls-"));
    const file = join(dir, "empty.pem");
    await writeFile(file, "");
    const tls = { ca: file, cert: file, key: file };
    expect(await at(on.engine.host, tls).start(specOf())).toMatchObject({
      type: "refused",
      message: expect.stringContaining("tls"),
    });
    await rm(dir, { recursive: true });
    expect(() => at(on.engine.host, tls)).toThrow("ENOENT");
  });

  test.each(["EACCES", "ENOTFOUND", "CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID"])("%s", (code) => {
    const fault = engineFault(Object.assign(new Error("x"), { code }), "tcp://npu-1:2376");
    expect(fault).toMatchObject({ kind: "settings", message: expect.stringContaining("tcp://npu-1:2376") });
  });

  test("what nobody foresaw keeps its words", () => {
    expect(engineFault(new Error("odd"), "tcp://a:1")).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("odd"),
    });
    const both = new AggregateError([Object.assign(new Error("x"), { code: "ECONNREFUSED" })], "");
    expect(engineFault(both, "tcp://a:1").message).toContain("no Docker engine answers");
  });
});

test.each([
  ["1.41", "1.24", "/v1.41/"],
  ["1.44", "1.24", "/v1.44/"],
  ["1.52", "1.44", "/v1.44/"],
  ["1.60", "1.50", "/v1.50/"],
])("an engine with API %s, at least %s, is spoken to as %s", async (newest, oldest, prefix) => {
  on.engine.versions = { newest, oldest };
  await on.open().list();
  expect(on.engine.urls.at(-1)).toContain(prefix);
});
