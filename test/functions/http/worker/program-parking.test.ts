// A program's poll is refused in the one way after which RunPod's SDK pauses.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../../shared/domain/ids.ts";
import { endpointName } from "../../../../shared/domain/ids.ts";
import { StoreError } from "../../../../shared/ports/store.ts";
import { aWorkerId, POOL, TENANT } from "../../../domain/builders.ts";
import { ENDPOINT_NAME } from "../../../fakes/api-world.ts";
import { call, tokensOf } from "../http-world.ts";
import { startedProgram } from "./started-program.ts";

/** The stores are well until `away` is true. */
async function programOfFrailStores() {
  const stores: { away: boolean } = { away: false };
  const program = await startedProgram({
    wrapStores: (inner) => ({
      ...inner,
      workers: Object.assign(Object.create(inner.workers), {
        get: (id: WorkerId) =>
          stores.away ? Promise.reject(new StoreError("away", { retryable: true })) : inner.workers.get(id),
      }),
    }),
  });
  return { ...program, stores };
}

const told = (answer: Response) => [answer.status, answer.headers.get("retry-after")];

test("a poll that cannot be answered is parked; our own worker is told of the fault", async () => {
  const { stores, take, batch, stops, ping } = await programOfFrailStores();
  stores.away = true;
  for (const poll of [take, batch, stops]) expect(told(await poll())).toEqual([429, "5"]);
  expect(told(await take("boot=b1"))).toEqual([503, "1"]);
  expect(told(await ping())).toEqual([503, "1"]);
});

test("so is one whose token opens nothing, or another worker's path", async () => {
  const { world, worker } = await startedProgram();
  const other = { worker: aWorkerId("npud-t3st00-otherworker1"), pool: POOL, tenant: TENANT };
  const { right, foreign } = tokensOf({ ...other, endpoint: endpointName(ENDPOINT_NAME) });
  const path = `/v2/${ENDPOINT_NAME}/job-take/${worker}`;
  for (const [token, title, status] of [
    [foreign, "Unauthorized", 401],
    [right, "Forbidden", 403],
  ] as const) {
    const answer = await call(world, token, "GET", `${path}?gpu=NPU`);
    expect(told(answer)).toEqual([429, "5"]);
    expect(await answer.json()).toMatchObject({ title });
    expect((await call(world, token, "GET", `${path}?boot=b1`)).status).toBe(status);
  }
});
