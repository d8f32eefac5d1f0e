// What is deployed: bundles that need nothing beside them, packages that hold nothing more, a template that AWS accepts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, bundle, FUNCTIONS } from "../../scripts/build/bundle.ts";
import { checkTemplate } from "../../scripts/package/check-template.ts";
import { readZip } from "../../scripts/package/read-zip.ts";
import type { Template } from "../../scripts/package/template.ts";
import { startLambda } from "../fakes/lambda/lambda.ts";

const ROOT = join(import.meta.dirname, "..", "..");
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-smoke-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe("bundles", () => {
  const bundles = new Map<string, Bundle>();

  beforeAll(async () => {
    for (const target of FUNCTIONS) bundles.set(target.name, await bundle(target, join(dir, "dist")));
  }, 60_000);

  /** Packages that came into a bundle. */
  const packagesIn = (name: string): Set<string> => {
    const [output] = Object.values(bundles.get(name)?.metafile.outputs ?? {}).filter((one) => one.entryPoint);
    const inputs = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    const names = inputs.flatMap(
      ([file]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(file)?.[1] ?? [],
    );
    return new Set(names);
  };

  test.each(FUNCTIONS.map(({ name }) => name))("%s loads where no node_modules is near", async (name) => {
    const spec = { bundle: bundles.get(name)?.file ?? "", env: {}, timeoutMs: 10_000 };
    const lambda = startLambda({ functions: { [name]: spec }, seed: 1 });
    try {
      const outcome = await lambda.invoke(name, {});
      expect(outcome).toMatchObject({ type: "failed", errorType: "ConfigError" });
      expect(outcome).toMatchObject({
        errorMessage: expect.stringContaining("DISPATCH_TABLE: It is not set."),
      });
    } finally {
      await lambda.stop();
    }
  });

  test("the webhook stays lean", async () => {
    expect([...packagesIn("webhook")].toSorted(byText)).toEqual([
      "@octokit/webhooks",
      "@octokit/webhooks-methods",
      "@smithy/core",
      "@smithy/signature-v4",
      "zod",
    ]);
    const inputs = Object.keys(bundles.get("webhook")?.metafile.inputs ?? {});
    expect(inputs.filter((file) => file.includes("node_modules/zod/v4/classic"))).toEqual([]);
    expect(inputs.filter((file) => /shared\/adapters\/(pools|sqlite)|sdk-transport/.test(file))).toEqual([]);
  });

  test("no function holds the YAML reader, which runs at packaging only", () => {
    for (const { name } of FUNCTIONS) expect(packagesIn(name).has("yaml")).toBe(false);
  });
});

describe("npm run package", () => {
  test("makes a package that its own checks accept, offline and without an account", async () => {
    const out = join(dir, "package");
    await mkdir(out);
    const foreign = join(out, "notes.txt");
    await writeFile(foreign, "mine");
    // Of an earlier package, which may wait for its deployment.
    const earlier = join(ROOT, ".serverless", `of-a-test-${process.pid}`);
    await mkdir(dirname(earlier), { recursive: true });
    await writeFile(earlier, "earlier");
    const { code, output } = await runPackage(["--out", out]);
    expect(output).toMatch(/warning: pool local has the driver "local"/);
    expect(output).toMatch(/ok: \d+ resources checked, 4 functions loaded/);
    expect(code).toBe(0);
    expect([await readFile(foreign, "utf8"), await readFile(earlier, "utf8")]).toEqual(["mine", "earlier"]);
    await rm(earlier);
    const state = await readFile(join(out, "serverless-state.json"), "utf8");
    expect(JSON.parse(state)).toMatchObject({
      service: { functions: { api: { package: { artifact: join(ROOT, ".serverless", "api.zip") } } } },
    });
    const webhook = readZip(await readFile(join(out, "webhook.zip")));
    expect([...webhook.keys()].map((name) => name.split("/").at(-1) ?? "").toSorted(byText)).toEqual([
      "config.json",
      "index.mjs",
    ]);
    await findsPlantedFaults(join(out, "cloudformation-template-update-stack.json"));
  });

  test("refuses a dispatch.yaml with faults and names them", async () => {
    const file = join(dir, "dispatch.yaml");
    await writeFile(file, "pools: {}\nendpoints: [{ name: a, pool: none }]\n");
    const { code, output } = await runPackage(["--config", file]);
    expect(code).toBe(1);
    expect(output).toMatch(/endpoints\[0\]\.pool/);
  });
});

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

type Planted = (template: {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}) => void;

async function findsPlantedFaults(file: string): Promise<void> {
  const clean = JSON.parse(await readFile(file, "utf8")) as Template;
  expect(checkTemplate(clean)).toEqual([]);
  const plants: [string, Planted][] = [
    [
      "Table (AWS::DynamoDB::Table) has no property Colour",
      ({ Resources }) => set(Resources, "Table", "Colour", 1),
    ],
    [
      "Table (AWS::DynamoDB::Table) lacks KeySchema",
      ({ Resources }) => set(Resources, "Table", "KeySchema", undefined),
    ],
    [
      "FailedChanges (AWS::SQS::Queue).MessageRetentionPeriod is not of type integer",
      ({ Resources }) => set(Resources, "FailedChanges", "MessageRetentionPeriod", "two weeks"),
    ],
    [
      "WebhookLambdaFunction.Role.Fn::GetAtt asks WebhookRole for Name, which it does not have",
      ({ Resources }) =>
        set(Resources, "WebhookLambdaFunction", "Role", { "Fn::GetAtt": ["WebhookRole", "Name"] }),
    ],
    [
      "Table.TableName.Ref refers to Nothing, which the template does not have",
      ({ Resources }) => set(Resources, "Table", "TableName", { Ref: "Nothing" }),
    ],
    [
      "FailedChanges.QueueName.Fn::Sub refers to Gone, which the template does not have",
      ({ Resources }) => set(Resources, "FailedChanges", "QueueName", { "Fn::Sub": "a-$" + "{Gone}" }),
    ],
    [
      "Odd: AWS has no resource type AWS::Lambda::Functoin",
      ({ Resources }) => Object.assign(Resources, { Odd: { Type: "AWS::Lambda::Functoin" } }),
    ],
  ];
  for (const [fault, plant] of plants) {
    const template = structuredClone(clean);
    plant(template as never);
    expect(checkTemplate(template)).toEqual([fault]);
  }
}

function set(
  resources: Record<string, { Properties: Record<string, unknown> }>,
  id: string,
  name: string,
  value: unknown,
) {
  const properties = resources[id]?.Properties ?? {};
  if (value === undefined) delete properties[name];
  else properties[name] = value;
}

async function runPackage(args: readonly string[]): Promise<{ code: number; output: string }> {
  const script = join(ROOT, "scripts", "package.ts");
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(String(chunk)));
  const [code] = await once(child, "close");
  return { code, output: output.join("") };
}
