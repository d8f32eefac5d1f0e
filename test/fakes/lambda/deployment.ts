// What serverless.yml says of the functions and their events, read from the file itself: the stand-in has no other rules.
import { readFileSync } from "node:fs";
import { parse } from "yaml";

export type Route = { readonly method: string; readonly path: string; readonly function: string };

export type StreamSettings = {
  readonly function: string;
  readonly startingPosition: "LATEST" | "TRIM_HORIZON";
  readonly batchSize: number;
  readonly parallelizationFactor: number;
  readonly bisectBatchOnFunctionError: boolean;
  readonly maximumRetryAttempts: number;
  readonly maximumRecordAgeInSeconds: number;
  readonly filterPatterns: readonly { readonly [field: string]: never }[];
};

export type Deployment = {
  readonly functions: {
    readonly [name: string]: { readonly timeoutMs: number; readonly concurrency: number | undefined };
  };
  readonly routes: readonly Route[];
  readonly stream: StreamSettings;
  /** The function that the clock calls. */
  readonly scheduled: string;
  readonly table: { readonly [property: string]: unknown };
};

type Event = {
  readonly httpApi?: string | { readonly method: string; readonly path: string };
  readonly stream?: Omit<StreamSettings, "function">;
  readonly schedule?: string;
};
type Source = {
  readonly functions: {
    readonly [name: string]: { timeout: number; reservedConcurrency?: number; events: readonly Event[] };
  };
  readonly resources: {
    readonly Resources: { readonly Table: { readonly Properties: Deployment["table"] } };
  };
};

const FILE = new URL("../../../serverless.yml", import.meta.url);

export function readDeployment(): Deployment {
  const source = parse(readFileSync(FILE, "utf8"), { merge: true }) as Source;
  const entries = Object.entries(source.functions);
  const events = entries.flatMap(([name, { events }]) => events.map((event) => ({ name, event })));
  const functions = entries.map(([name, { timeout, reservedConcurrency }]) => [
    name,
    { timeoutMs: timeout * 1_000, concurrency: reservedConcurrency },
  ]);
  return {
    functions: Object.fromEntries(functions),
    routes: events.flatMap(({ name, event }) => (event.httpApi ? [routeOf(name, event.httpApi)] : [])),
    stream: only(
      events.flatMap(({ name, event }) => (event.stream ? [{ ...event.stream, function: name }] : [])),
    ),
    scheduled: only(events.flatMap(({ name, event }) => (event.schedule ? [name] : []))),
    table: source.resources.Resources.Table.Properties,
  };
}

function routeOf(name: string, route: NonNullable<Event["httpApi"]>): Route {
  if (typeof route === "object") return { ...route, function: name };
  const [method = "", path = ""] = route.split(" ");
  return { method, path, function: name };
}

function only<Value>(values: readonly Value[]): Value {
  const [value, ...more] = values;
  if (value === undefined || more.length > 0)
    throw new RangeError(`expected one in serverless.yml, not ${values.length}`);
  return value;
}
