// A cold webhook function loads no HTTP stack but node:http: undici alone is 38 ms of CPU.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { bundle, FUNCTIONS } from "../../scripts/build/bundle.ts";
import { httpEvent } from "../fakes/lambda/events.ts";
import { startRecorder } from "../fakes/recorder.ts";
import { delivery, packedConfig, WEBHOOK_SECRET } from "../functions/lambda/samples.ts";

test("the first delivery of the bundle is written, and undici is not loaded", async () => {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-cold-"));
  const dynamodb = await startRecorder(() => ({ status: 200, body: "{}" }));
  try {
    const target = FUNCTIONS.find(({ name }) => name === "webhook")!;
    const { file } = await bundle(target, dir);
    await writeFile(join(dir, "config.json"), JSON.stringify(packedConfig()));
    const script = `
      const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
      const { statusCode } = await handler(${JSON.stringify(httpEvent(delivery(1)))});
      const loaded = process.moduleLoadList.filter((name) => /undici|_http_client/.test(name));
      process.stderr.write(JSON.stringify({ statusCode, loaded }));
      process.exit(0);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: {
        DISPATCH_TABLE: "table",
        DISPATCH_CONFIG: join(dir, "config.json"),
        GITHUB_WEBHOOK_SECRET: WEBHOOK_SECRET,
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "fake",
        AWS_SECRET_ACCESS_KEY: "fake-key",
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    expect(JSON.parse(await text(child.stderr))).toEqual({
      statusCode: 202,
      loaded: ["NativeModule _http_client"],
    });
    expect(dynamodb.heard.map(({ headers }) => headers["x-amz-target"])).toEqual([
      "DynamoDB_20120810.PutItem",
    ]);
  } finally {
    await dynamodb.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
