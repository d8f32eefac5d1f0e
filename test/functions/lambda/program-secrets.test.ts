// On AWS the secrets of programs are below the path of the dispatcher's own, where its role may read all of them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layFoundation } from "../../../functions/lambda/foundation.ts";
import { toPacked } from "../../../shared/config/packed.ts";
import { parseConfig } from "../../../shared/config/parse.ts";
import { readProgramSecrets, secretVariables } from "../../../shared/config/secrets.ts";
import { reveal } from "../../../shared/redacted.ts";
import { type ParameterStore, startParameterStore } from "../../fakes/lambda/parameter-store.ts";
import { FAKE_REGION } from "../../fakes/stores/dynamodb.ts";

const PATH = "/npu-dispatch/test";
const NAMES = Array.from({ length: 12 }, (_, n) => `SECRET_${n}`);
let dir: string;
let parameters: ParameterStore;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "npu-dispatch-secrets-"));
  const secrets = NAMES.map((name) => `${name}: ${name}`).join(", ");
  const parsed = parseConfig(
    `pools: {p: {driver: docker, kind: cpu}}\nendpoints: [{name: a, pool: p, command: [x], secrets: {${secrets}}}]`,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  await writeFile(join(dir, "config.json"), JSON.stringify(toPacked(parsed.config)));
  parameters = await startParameterStore(
    Object.fromEntries(NAMES.map((name) => [`${PATH}/programs/${name}`, `value of ${name}`])),
  );
});
afterAll(async () => {
  await parameters.stop();
  await rm(dir, { recursive: true, force: true });
});

test("more than one call of Parameter Store can ask for are read", async () => {
  const env = {
    DISPATCH_TABLE: "t",
    AWS_REGION: FAKE_REGION,
    AWS_ACCESS_KEY_ID: "fake",
    AWS_SECRET_ACCESS_KEY: "fake-secret-key",
    SECRETS_PATH: PATH,
    AWS_ENDPOINT_URL_SSM: parameters.endpoint,
  };
  const { secrets } = await layFoundation(env, dir, {
    names: [],
    programs: ({ templates }) => secretVariables(templates),
    read: (source, { templates }) => readProgramSecrets(source, secretVariables(templates)),
  });
  const values = Object.values(secrets.programSecrets ?? {}).map(reveal);
  expect(values).toEqual(NAMES.map((name) => `value of ${name}`));
  expect(parameters.calls.all).toBe(2);
});
