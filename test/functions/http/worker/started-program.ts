// A worker that was started for one job of a program, and a hand to make its calls.
import { endpointName } from "../../../../shared/domain/ids.ts";
import { POOL, TENANT } from "../../../domain/builders.ts";
import { apiJobOf, apiTemplate, ENDPOINT_NAME, submit } from "../../../fakes/api-world.ts";
import type { WorldOptions } from "../../../fakes/world.ts";
import { call, createHttpWorld, tokensOf } from "../http-world.ts";

export type Program = Awaited<ReturnType<typeof startedProgram>>;

export async function startedProgram(
  options: WorldOptions & { holdMs?: number; maxOutputBytes?: number } = {},
) {
  const world = createHttpWorld({ cards: 1, templates: [apiTemplate("program")], ...options });
  const job = await submit(world, { callbackUrl: "https://hooks.example/done" });
  await world.settle();
  const worker = world.pool.started[0]!.workerId;
  const claims = { worker, pool: POOL, endpoint: endpointName(ENDPOINT_NAME), tenant: TENANT };
  const token = tokensOf(claims).right;
  const at = `/v2/${ENDPOINT_NAME}`;
  const get = (path: string, init: RequestInit = {}) => call(world, token, "GET", `${at}/${path}`, init);
  const post = (path: string, body: string) => call(world, token, "POST", `${at}/${path}`, { body });
  return {
    world,
    job,
    worker,
    take: (query = "job_in_progress=0", init?: RequestInit) =>
      get(`job-take/${worker}?gpu=NPU&${query}`, init),
    batch: () => get(`job-take-batch/${worker}?gpu=NPU&batch_size=3&job_in_progress=0`),
    stops: () => get(`job-stop/${worker}?gpu=NPU`),
    ping: (query = "") => get(`ping/${worker}?gpu=NPU&runpod_version=1.12.0${query}`),
    done: (body: unknown, id: string = job) => post(`job-done/${worker}/${id}?isStream=false`, text(body)),
    stream: (body: unknown) => post(`job-stream/${worker}/${job}?isStream=false`, text(body)),
    state: async () => (await apiJobOf(world, job)).state,
    record: async () => (await world.stores.workers.get(worker))!,
  };
}

const text = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body));
