// The API reference as OpenAPI 3.1, generated from the schemas that parse and type the messages.
import * as z from "zod/mini";
import { CLIENT_ROUTES } from "../client/routes.ts";
import { OTHER_ROUTES } from "../operator/routes.ts";
import type { ApiRoute, Plane, QueryParameter } from "../route.ts";
import { REFUSAL, REFUSALS } from "../route.ts";
import { WORKER_ROUTES } from "../worker/routes.ts";

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
  readonly schema?: unknown;
  readonly content?: unknown;
};

const DESCRIPTION =
  "Jobs of the endpoints of dispatch.yaml, in RunPod's wire format: its clients and worker images run unchanged. " +
  "Every success is 200. Every refusal has the same body, whose detail says what to do next; a path that is not here is a 404.";

const ROUTES = [...CLIENT_ROUTES, ...WORKER_ROUTES, ...OTHER_ROUTES];

export function openapiDocument(): OpenapiDocument {
  return {
    openapi: "3.1.1",
    info: { title: "npu-dispatch API", version: "2", description: DESCRIPTION },
    servers: [{ url: "/" }],
    tags: [
      { name: "client", description: "For whoever has work: an API key or a workflow's OIDC token." },
      { name: "worker", description: "For workers: the token that the pool started them with, sent raw." },
      { name: "operator", description: "For whoever runs the dispatcher: the admin key." },
      { name: "server", description: "For GitHub, and for anybody." },
    ],
    paths: pathsOf(ROUTES),
    components: { schemas: schemasOf(ROUTES), responses: refusals(), securitySchemes: SECURITY },
  };
}

const SECURITY = {
  bearer: { type: "http", scheme: "bearer", description: "An API key or a GitHub OIDC token" },
  bare: { type: "apiKey", in: "header", name: "Authorization", description: "The same without Bearer" },
  worker: { type: "apiKey", in: "header", name: "Authorization", description: "The worker's token" },
  admin: { type: "http", scheme: "bearer", description: "ADMIN_KEY; without one there is no such plane" },
};

const OPENED_BY: { readonly [plane in Plane]: readonly Record<string, never[]>[] } = {
  client: [{ bearer: [] }, { bare: [] }],
  worker: [{ worker: [] }],
  operator: [{ admin: [] }],
  server: [],
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
    security: OPENED_BY[route.plane],
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
  const query = (route.query ?? []).map((parameter) => optional(parameter, "query"));
  const headers = (route.headers ?? []).map((parameter) => optional(parameter, "header"));
  return [...inPath, ...query, ...headers];
}

function optional(parameter: QueryParameter, place: "query" | "header"): Parameter {
  const { name, description } = parameter;
  const form =
    "content" in parameter ? { content: json(parameter.content.name) } : { schema: parameter.schema };
  return { name, description, ...form, in: place, required: false };
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
  const accepted =
    route.accepted === undefined
      ? {}
      : { 202: { description: "Taken up, or not needed", content: json(route.accepted.name) } };
  const empty = route.nothing === undefined ? {} : { 204: { description: route.nothing } };
  const refused = route.refusals.map((status) => [status, { $ref: `#/components/responses/${status}` }]);
  return { 200: answer, ...accepted, ...empty, ...Object.fromEntries(refused) };
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
  const named = routes.flatMap(({ body, answer, query = [] }) => [
    ...query.flatMap((parameter) =>
      "content" in parameter ? [{ ...parameter.content, io: "input" as const }] : [],
    ),
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
