// The API reference as OpenAPI 3.1, generated from the schemas that parse and type the messages.
import * as z from "zod/mini";
import type { ApiRoute, Plane } from "./api-route.ts";
import { REFUSAL, REFUSALS } from "./api-route.ts";
import { CLIENT_ROUTES } from "./client-routes.ts";
import { WORKER_ROUTES } from "./worker-routes.ts";

export type OpenapiDocument = {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: Record<string, unknown> } & Record<string, unknown>;
} & Record<string, unknown>;

export type Operation = {
  readonly tags: readonly [Plane];
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: unknown;
  readonly responses: { readonly [status: string]: unknown };
} & Record<string, unknown>;

export type Parameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: unknown;
};

const DESCRIPTION =
  "Jobs of the endpoints of dispatch.yaml, in RunPod's wire format: its clients and worker images run unchanged. " +
  "Every success is 200. Every refusal has the same body, whose detail says what to do next.";

const ROUTES = [...CLIENT_ROUTES, ...WORKER_ROUTES];

export function openapiDocument(): OpenapiDocument {
  return {
    openapi: "3.1.1",
    info: { title: "npu-dispatch API", version: "2", description: DESCRIPTION },
    servers: [{ url: "/" }],
    tags: [
      { name: "client", description: "For whoever has work: an API key or a workflow's OIDC token." },
      { name: "worker", description: "For workers: the token that the pool started them with, sent raw." },
    ],
    paths: pathsOf(ROUTES),
    components: { schemas: schemasOf(ROUTES), responses: refusals(), securitySchemes: SECURITY },
  };
}

const SECURITY = {
  bearer: { type: "http", scheme: "bearer", description: "An API key or a GitHub OIDC token" },
  bare: { type: "apiKey", in: "header", name: "Authorization", description: "The same without Bearer" },
  worker: { type: "apiKey", in: "header", name: "Authorization", description: "The worker's token" },
};

function pathsOf(routes: readonly ApiRoute[]): OpenapiDocument["paths"] {
  const paths: { [path: string]: { [method: string]: Operation } } = {};
  for (const route of routes) {
    const methods = Object.fromEntries(
      route.methods.map((method) => [method.toLowerCase(), operationOf(route)]),
    );
    paths[route.path] = { ...paths[route.path], ...methods };
  }
  return paths;
}

function operationOf(route: ApiRoute): Operation {
  return {
    tags: [route.plane],
    summary: route.summary,
    security: route.plane === "client" ? [{ bearer: [] }, { bare: [] }] : [{ worker: [] }],
    parameters: parametersOf(route),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: json(route.body.name) } }),
    responses: responsesOf(route),
  };
}

function parametersOf(route: ApiRoute): Parameter[] {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path" as const,
    required: true,
    description: PATH_PARAMETERS[name] ?? name,
    schema: { type: "string" },
  }));
  const query = (route.query ?? []).map((parameter) => ({
    ...parameter,
    in: "query" as const,
    required: false,
  }));
  const headers = (route.headers ?? []).map((parameter) => ({
    ...parameter,
    in: "header" as const,
    required: false,
  }));
  return [...inPath, ...query, ...headers];
}

const PATH_PARAMETERS: { readonly [name: string]: string } = {
  endpoint: "Name of an endpoint of dispatch.yaml",
  id: "The job's id, as /run gave it",
  worker: "The worker's id, RUNPOD_POD_ID of its environment",
  job: "The id of the job that it took",
};

function responsesOf(route: ApiRoute): { [status: string]: unknown } {
  const answer = {
    description: "Done",
    ...(route.answer === undefined ? {} : { content: json(route.answer.name) }),
  };
  const empty = route.nothing === undefined ? {} : { 204: { description: route.nothing } };
  const refused = route.refusals.map((status) => [status, { $ref: `#/components/responses/${status}` }]);
  return { 200: answer, ...empty, ...Object.fromEntries(refused) };
}

function refusals(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(REFUSALS).map(([status, description]) => [
      status,
      {
        description,
        content: json(REFUSAL.name),
        ...(status === "429" || status === "503" ? RETRY_AFTER : {}),
      },
    ]),
  );
}

const RETRY_AFTER = {
  headers: { "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } } },
};

function json(name: string): unknown {
  return { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
}

/** Requests as they may come, answers as they are sent: an answer with a field that is not here breaks the contract. */
function schemasOf(routes: readonly ApiRoute[]): Record<string, unknown> {
  const named = routes.flatMap(({ body, answer }) => [
    ...(body === undefined ? [] : [{ ...body, io: "input" as const }]),
    ...(answer === undefined ? [] : [{ ...answer, io: "output" as const }]),
  ]);
  return Object.fromEntries(
    [...named, { ...REFUSAL, io: "output" as const }].map(({ name, schema, io }) => [
      name,
      withoutDialect(schema, io),
    ]),
  );
}

function withoutDialect(schema: z.core.$ZodType, io: "input" | "output"): unknown {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
