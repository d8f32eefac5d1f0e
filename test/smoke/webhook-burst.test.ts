// A burst of cold webhook functions, each a process of its own as on Lambda: more starts than Parameter Store answers in a
// second, and every delivery is recorded all the same.
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { bundle, FUNCTIONS } from "../../scripts/build/bundle.ts";
import { httpEvent } from "../fakes/lambda/events.ts";
import { startParameterStore } from "../fakes/lambda/parameter-store.ts";
import { startRecorder } from "../fakes/recorder.ts";
import { delivery, packedConfig, WEBHOOK_SECRET } from "../functions/lambda/samples.ts";

/** 20 more than Parameter Store answers in a second. */
const PROCESSES = 60;
const PATH = "/npu-dispatch/burst/";

test("60 cold processes at once: 60 times 202, 60 records", async () => {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-burst-"));
  const dynamodb = await startRecorder(() => ({ status: 200, body: "{}" }));
  const secrets = { [`${PATH}GITHUB_WEBHOOK_SECRET`]: WEBHOOK_SECRET };
  const parameters = await startParameterStore(secrets);
  const target = FUNCTIONS.find(({ name }) => name === "webhook")!;
  const { file } = await bundle(target, dir);
  await writeFile(join(dir, "config.json"), JSON.stringify(packedConfig()));
  // The sandbox has loaded the code; reading the secrets is what its first event waits for.
  const script = `
    const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
    process.once("message", async (event) => {
      const { statusCode } = await handler(event);
      process.send(statusCode, () => process.exit(0));
    });
    process.send("ready");
  `;
  const env = {
    DISPATCH_TABLE: "table",
    DISPATCH_CONFIG: join(dir, "config.json"),
    SECRETS_PATH: PATH,
    LOG_LEVEL: "error",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "fake",
    AWS_SECRET_ACCESS_KEY: "fake-key",
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_SSM: parameters.endpoint,
  };
  const sandboxes: ChildProcess[] = [];
  try {
    for (let number = 0; number < PROCESSES; number++) {
      const sandbox = spawn(process.execPath, ["--input-type=module", "-e", script], {
        env,
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      sandboxes.push(sandbox);
      // Two at a time have the machine's cores.
      if (number % 2 === 1) await Promise.all(sandboxes.slice(-2).map((one) => once(one, "message")));
    }
    const answers = sandboxes.map(async (sandbox, number) => {
      const answered = once(sandbox, "message");
      sandbox.send(httpEvent(delivery(200 + number)));
      return (await answered)[0];
    });
    expect(await Promise.all(answers)).toEqual(Array(PROCESSES).fill(202));
    const records = dynamodb.heard.filter(({ headers }) => `${headers["x-amz-target"]}`.endsWith("PutItem"));
    expect(records).toHaveLength(PROCESSES);
    // How many were throttled is up to the machine's speed; functions/lambda/webhook.test.ts has them judged at one
    // instant.
    expect(parameters.calls.all).toBeGreaterThanOrEqual(PROCESSES);
  } finally {
    for (const sandbox of sandboxes) sandbox.kill("SIGKILL");
    await parameters.stop();
    await dynamodb.stop();
    await rm(dir, { recursive: true, force: true });
  }
}, 120_000);
