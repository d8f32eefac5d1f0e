// Each answer of the store tells its time, a refusal too: both transports pass it on.
import { afterEach, expect, test } from "vitest";
import type { DynamoTransport } from "../../../shared/adapters/dynamodb/call.ts";
import { createLeanTransport } from "../../../shared/adapters/dynamodb/lean-transport.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import type { Recorder } from "../../fakes/recorder.ts";
import { startRecorder } from "../../fakes/recorder.ts";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "not-a-secret" };
const REFUSAL = JSON.stringify({ __type: "x#ValidationException", message: "no" });

type Options = { readonly endpoint: string; readonly onDate: (date: string | undefined) => void };

let recorder: Recorder | undefined;
let transport: DynamoTransport | undefined;

afterEach(async () => {
  transport?.close();
  await recorder?.stop();
});

test.each<[string, (options: Options) => DynamoTransport]>([
  ["SDK", (options) => createSdkTransport({ ...options, region: "eu-west-1", credentials: CREDENTIALS })],
  [
    "lean",
    (options) =>
      createLeanTransport({
        ...options,
        region: "eu-west-1",
        credentials: CREDENTIALS,
        random: { fraction: () => 0 },
      }),
  ],
])("the %s transport's", async (_, create) => {
  recorder = await startRecorder((_request, place) =>
    place === 0 ? { status: 200, body: "{}" } : { status: 400, body: REFUSAL },
  );
  const dates: (string | undefined)[] = [];
  transport = create({ endpoint: recorder.endpoint, onDate: (date) => dates.push(date) });
  const input = { TableName: "t", Key: { pk: { S: "job#1" } } };
  await transport.call("GetItem", input);
  await expect(transport.call("GetItem", input)).rejects.toThrow("no");
  expect(dates).toHaveLength(2);
  for (const date of dates) expect(Math.abs(Date.parse(date ?? "") - Date.now())).toBeLessThan(60_000);
});
