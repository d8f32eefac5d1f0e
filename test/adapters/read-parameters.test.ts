// Secrets from Parameter Store: which tries are made, and what is said when they are over.
import { afterEach, expect, test } from "vitest";
import { type ParameterOptions, readParameters } from "../../shared/adapters/ssm/read-parameters.ts";
import { type ParameterStore, startParameterStore } from "../fakes/lambda/parameter-store.ts";
import { type Recorder, startRecorder } from "../fakes/recorder.ts";
import { FAKE_CREDENTIALS, FAKE_REGION } from "../fakes/stores/dynamodb.ts";

const PATH = "/npu-dispatch/test";
const FUNCTION_MS = 10_000;
let store: ParameterStore | undefined;
let recorder: Recorder | undefined;

afterEach(async () => {
  await store?.stop();
  await recorder?.stop();
  [store, recorder] = [undefined, undefined];
});

/** On a clock that only pauses move. */
function read(endpoint: string, { fraction = 0.5 } = {}) {
  const pauses: number[] = [];
  let clock = 0;
  const options: ParameterOptions = {
    region: FAKE_REGION,
    credentials: FAKE_CREDENTIALS,
    endpoint,
    random: { fraction: () => fraction },
    now: () => clock,
    sleep: async (ms) => {
      pauses.push(ms);
      clock += ms;
    },
  };
  return { values: readParameters(options, PATH, ["A", "B", "C"]), pauses, elapsed: () => clock };
}

test("all names go in one call; one that is not there is left out", async () => {
  store = await startParameterStore({ [`${PATH}/A`]: "1", [`${PATH}/C`]: "3" });
  const { values, pauses } = read(store.endpoint);
  expect(await values).toEqual({ A: "1", C: "3" });
  expect(store.calls.all).toBe(1);
  expect(pauses).toEqual([]);
});

test.each([
  [400, "ThrottlingException"],
  [500, "InternalServerError"],
])("%i %s is tried again, with full jitter", async (status, type) => {
  store = await startParameterStore({ [`${PATH}/A`]: "1" });
  store.failNext(status, 4, type);
  const { values, pauses } = read(store.endpoint);
  expect(await values).toEqual({ A: "1" });
  expect(pauses).toEqual([125, 250, 500, 500]);
});

test.each([
  "drop",
  { status: 200, body: '{"Parameters":[{"Name":"/npu-dispatch/test/A","Value":"secr' },
] as const)("%o is tried again, and never quoted", async (reply) => {
  recorder = await startRecorder(() => reply);
  const error = await read(recorder.endpoint, { fraction: 1 }).values.catch((fault: unknown) => fault);
  expect(recorder.heard.length).toBeGreaterThan(3);
  expect(String(error)).toMatch(
    /could not be read from Parameter Store in \d tries\. The next event tries again/,
  );
  expect(`${error} ${(error as Error).cause} ${((error as Error).cause as Error).cause}`).not.toContain(
    'secr"',
  );
});

test.each([0.1, 0.5, 1])(
  "throttling to the end is named, within the function's time, fraction %d",
  async (fraction) => {
    store = await startParameterStore({});
    store.failNext(400, 1_000, "ThrottlingException");
    const { values, elapsed } = read(store.endpoint, { fraction });
    await expect(values).rejects.toThrow(
      /It throttles: it gives 40 calls a second .* higher throughput: docs\/deploy\.md/,
    );
    expect(elapsed()).toBeGreaterThan(FUNCTION_MS / 2);
    // A last try of 2 s and the delivery's write follow.
    expect(elapsed()).toBeLessThanOrEqual(FUNCTION_MS - 4_000);
  },
);

test.each(["AccessDeniedException", "ValidationException"])("%s is final", async (type) => {
  store = await startParameterStore({});
  store.failNext(400, 1, type);
  const error: unknown = await read(store.endpoint).values.catch((fault: unknown) => fault);
  expect(String(error)).toMatch(
    /in 1 tries\. Check the path, and that the function's role may ssm:GetParameters/,
  );
  expect(String((error as Error).cause)).toContain(`it answered 400 ${type}`);
  expect(store.calls.all).toBe(1);
});

test("the stand-in gives 40 calls a second", async () => {
  store = await startParameterStore({}, { together: 60 });
  const { endpoint } = store;
  const call = () => read(endpoint, { fraction: 0 }).values;
  const headers = { "x-amz-target": "AmazonSSM.GetParameters", authorization: "/ssm/aws4_request" };
  const statuses = await Promise.all(
    Array.from(
      { length: 60 },
      async () => (await fetch(endpoint, { method: "POST", headers, body: '{"Names":[]}' })).status,
    ),
  );
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(40);
  expect(statuses.filter((status) => status === 400).length).toBe(store.calls.throttled);
  expect(store.calls.throttled).toBeGreaterThan(0);
  expect(await call()).toEqual({});
});
