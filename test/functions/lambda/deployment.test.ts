// serverless.yml says the same as the code: the table, what wakes dispatch, and what each function may do.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { STREAM_FILTER, TABLE_DEFINITION, TTL_ATTRIBUTE } from "../../../shared/adapters/dynamodb/table.ts";
import { touchRow } from "../../../shared/adapters/dynamodb/writes.ts";
import {
  type RowDraft,
  rowOfDeployment,
  rowOfJob,
  rowOfLane,
  rowOfPool,
  rowOfWorker,
} from "../../../shared/adapters/store/row-codec.ts";
import { aJob, aLaneView, aPool, aWorker, T0 } from "../../domain/builders.ts";
import { readDeployment } from "../../fakes/lambda/deployment.ts";
import type { Image } from "../../fakes/lambda/events.ts";
import { streamRecord } from "../../fakes/lambda/events.ts";
import { matchesAny } from "../../fakes/lambda/filter-pattern.ts";
import { recordOf } from "./samples.ts";

type Statement = { readonly Action: string | readonly string[]; readonly Resource: unknown };
type Role = {
  readonly Properties: { readonly Policies: readonly { PolicyDocument: { Statement: Statement[] } }[] };
};
type Source = {
  readonly functions: { readonly [name: string]: { readonly role?: string; readonly environment?: object } };
  readonly provider: { readonly environment: object };
  readonly resources: { readonly Resources: { readonly [id: string]: Role } };
};

const text = readFileSync(new URL("../../../serverless.yml", import.meta.url), "utf8");
const source = parse(text, { merge: true }) as Source;
const deployment = readDeployment();

describe("the table", () => {
  test("is the one that the code defines", () => {
    const { StreamSpecification: stream, ...definition } = TABLE_DEFINITION;
    expect(deployment.table).toMatchObject(structuredClone(definition));
    expect(deployment.table["StreamSpecification"]).toEqual({ StreamViewType: stream.StreamViewType });
    expect(deployment.table["TimeToLiveSpecification"]).toEqual({
      AttributeName: TTL_ATTRIBUTE,
      Enabled: true,
    });
  });

  test("can be restored, is encrypted, and is kept in production", () => {
    expect(deployment.table).toMatchObject({
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of osls
      DeletionProtectionEnabled: "${param:keepTable}",
    });
    expect(parse(text)).toMatchObject({
      params: { prod: { keepTable: true, tableDeletionPolicy: "Retain" } },
    });
  });
});

describe("the stream", () => {
  const wakes = (row: RowDraft, more: Image = {}, eventName = "MODIFY") =>
    matchesAny(deployment.stream.filterPatterns, { ...recordOf("1", row, more), eventName });

  test("has the filter that the code defines", () => {
    expect(deployment.stream.filterPatterns).toEqual([STREAM_FILTER]);
  });

  test("wakes dispatch for jobs and workers", () => {
    expect(wakes(rowOfJob(aJob(), T0), {}, "INSERT")).toBe(true);
    expect(wakes(rowOfWorker(aWorker({ state: "finished" }), T0))).toBe(true);
  });

  test("does not wake it for a heartbeat, a pool, a lane, the deployment or a deletion", () => {
    const beat = touchRow("worker#w", { heartbeatAt: T0, dueAt: T0 });
    const marked = (beat["ExpressionAttributeValues"] as { [name: string]: object })[":quiet"];
    expect(marked).toEqual({ N: "1" });
    expect(wakes(rowOfWorker(aWorker(), T0), { quiet: marked as Image[string] })).toBe(false);
    const others = [rowOfPool(aPool()), rowOfLane(aLaneView().lane, 1, T0), rowOfDeployment("x")];
    expect(others.map((row) => wakes(row))).toEqual([false, false, false]);
    // Of what is removed a stream of new images shows the keys.
    const removed = streamRecord({ sequence: "2", keys: { pk: { S: "job#x" } }, eventName: "REMOVE" });
    expect(matchesAny(deployment.stream.filterPatterns, removed)).toBe(false);
  });

  test("gives up in the end", () => {
    const { maximumRetryAttempts, maximumRecordAgeInSeconds } = deployment.stream;
    expect(maximumRetryAttempts).toBeGreaterThan(0);
    expect(maximumRecordAgeInSeconds).toBeGreaterThan(0);
    expect(text).toMatch(/functionResponseType: ReportBatchItemFailures/);
  });
});

describe("rights", () => {
  const statementsOf = (name: string): Statement[] => {
    const role = source.resources.Resources[source.functions[name]?.role ?? ""];
    return (role?.Properties.Policies ?? []).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  };
  const actionsOf = (name: string) => new Set(statementsOf(name).flatMap(({ Action }) => Action));
  const ROWS = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];
  const LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"];

  test("each function has a role of its own, and nobody may do everything", () => {
    const roles = Object.values(source.functions).map(({ role }) => role);
    expect(new Set(roles).size).toBe(4);
    const statements = Object.keys(source.functions).flatMap(statementsOf);
    expect(statements.flatMap(({ Action }) => Action).filter((action) => action.includes("*"))).toEqual([]);
    const everywhere = statements.filter(({ Resource }) => Resource === "*");
    expect(everywhere.map(({ Action }) => Action)).toEqual(["dynamodb:ListStreams"]);
  });

  test("are what the function does", () => {
    expect(actionsOf("webhook")).toEqual(new Set([...ROWS, ...LOGS, "ssm:GetParameters"]));
    expect(actionsOf("api")).toEqual(new Set([...ROWS, ...LOGS, "dynamodb:Query", "ssm:GetParameters"]));
    expect(actionsOf("reconcile")).toEqual(
      new Set([...ROWS, ...LOGS, "dynamodb:Query", "ssm:GetParameters"]),
    );
    expect(actionsOf("dispatch")).toEqual(
      new Set([
        ...ROWS,
        ...LOGS,
        "dynamodb:Query",
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "sqs:SendMessage",
        "ssm:GetParameters",
      ]),
    );
  });

  test("the webhook can read its own secret only", () => {
    const parameters = (name: string) => JSON.stringify(statementsOf(name)).match(/[A-Z_]+(?=")/g);
    expect(parameters("webhook")).toEqual(["GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_PREVIOUS"]);
    expect(parameters("api")).not.toContain("GITHUB_WEBHOOK_SECRET");
  });

  test("only the function with the operator plane can read its key", () => {
    const readers = Object.keys(source.functions).filter((name) =>
      JSON.stringify(statementsOf(name)).includes("/ADMIN_KEY"),
    );
    expect(readers).toEqual(["api"]);
  });

  test("no secret is in the environment", () => {
    const names = [
      source.provider.environment,
      ...Object.values(source.functions).map((one) => one.environment ?? {}),
    ]
      .flatMap(Object.keys)
      .filter((name) => /SECRET|KEY|TOKEN/.test(name));
    expect(new Set(names)).toEqual(new Set(["SECRETS_PATH"]));
  });
});
