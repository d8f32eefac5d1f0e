// A full queue: one tenant cannot fill it for the others.
import { expect, test } from "vitest";
import type { JobId, TenantId } from "../../../shared/domain/ids.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import { MAX_OPEN_JOBS, MAX_OPEN_JOBS_OF_TENANT } from "../../../shared/usecases/client-plane/queue-limit.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import { TENANT } from "../../domain/builders.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import { aCall, createApiWorld, ECHO } from "./api-world.ts";

const full = (counts: { readonly [tenant: string]: number }) => {
  const world = createApiWorld();
  const open = async () =>
    Object.entries(counts).flatMap(([tenant, count]) =>
      Array.from({ length: count }, () => ({ id: "x" as JobId, tenant: tenant as TenantId })),
    );
  const deps = { ...world.deps, apiStores: { ...world.deps.apiStores, apiJobs: { open } } };
  const outcome = (caller: ApiCaller = KEY_CALLER) => runJob(deps, caller, ECHO, aCall());
  return { world, outcome };
};
const busy = (message: string) => ({ type: "busy", message: expect.stringContaining(message) });

test("one job of a tenant too many, until some have ended; others' are taken meanwhile", async () => {
  const counts = { [TENANT]: MAX_OPEN_JOBS_OF_TENANT - 1 };
  const { world, outcome } = full(counts);
  expect((await outcome()).type).toBe("accepted");
  expect(await outcome()).toMatchObject(busy(`${MAX_OPEN_JOBS_OF_TENANT} jobs of Acme`));
  const other = { ...KEY_CALLER, tenant: tenantId(9), login: "globex" };
  expect((await outcome(other)).type).toBe("accepted");
  counts[TENANT] = 5;
  expect((await outcome()).type).toBe("busy");
  world.clock.advance(5_000);
  expect((await outcome()).type).toBe("accepted");
});

test("one job of all tenants together too many", async () => {
  expect(MAX_OPEN_JOBS_OF_TENANT).toBeLessThan(MAX_OPEN_JOBS);
  const { outcome } = full({ 1: 1_400, 2: 1_400, 3: 1_400, 4: MAX_OPEN_JOBS - 4_201 });
  expect((await outcome()).type).toBe("accepted");
  expect(await outcome()).toMatchObject(busy(`${MAX_OPEN_JOBS} jobs that`));
});
