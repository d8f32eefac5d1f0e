// The four writes of a row as DynamoDB requests, each under a condition whose name says what it means.
import type { EpochMs } from "../../domain/ids.ts";
import type { Row } from "../store/rows.ts";
import type { DynamoInput } from "./call.ts";
import { dueAttributes, marshal, toItem } from "./item.ts";

const NO_SUCH_ROW = "attribute_not_exists(pk)";
const HAS_EXPIRED = "expiresAt <= :nowSeconds";
const HAS_THE_VERSION_WE_READ = "#version = :expected";
const IS_LISTED = "attribute_exists(setPk)";
const IS_NOT_OUR_OWN_WRITE = "writeId <> :writeId";

/** Every attribute that a write under a version sets or removes: the whole row but its key and its heartbeat. */
const CONTENT = [
  "kind",
  "version",
  "writeId",
  "schema",
  "data",
  "lanePk",
  "laneSk",
  "cards",
  "dueShard",
  "dueAt",
  "setPk",
  "setSk",
  "expiresAt",
] as const;

export function createRow(row: Row, absentAt: EpochMs): DynamoInput {
  return {
    Item: toItem(row),
    ConditionExpression: `${NO_SUCH_ROW} OR ${HAS_EXPIRED}`,
    ExpressionAttributeValues: { ":nowSeconds": { N: String(Math.floor(absentAt / 1_000)) } },
  };
}

/** An update, not a put, so that a heartbeat which came between read and write stays. */
export function replaceRow(row: Row, expected: number): DynamoInput {
  const update = contentUpdate(row, CONTENT);
  return {
    ...update,
    ConditionExpression: HAS_THE_VERSION_WE_READ,
    ExpressionAttributeValues: { ...update.ExpressionAttributeValues, ":expected": { N: String(expected) } },
  };
}

/** Marks the item `quiet`, which keeps its stream record from waking dispatch. */
export function touchRow(
  pk: string,
  beat: { readonly heartbeatAt: EpochMs; readonly dueAt: EpochMs },
): DynamoInput {
  const { dueShard, dueAt } = dueAttributes(pk, beat.dueAt);
  return {
    Key: { pk: { S: pk } },
    UpdateExpression: "SET heartbeatAt = :heartbeatAt, dueShard = :dueShard, dueAt = :dueAt, quiet = :quiet",
    ConditionExpression: IS_LISTED,
    ExpressionAttributeValues: marshal({
      ":heartbeatAt": beat.heartbeatAt,
      ":dueShard": dueShard,
      ":dueAt": dueAt,
      ":quiet": 1,
    }),
  };
}

export function bumpRow(row: Row): DynamoInput {
  const update = contentUpdate(
    row,
    CONTENT.filter((name) => name !== "version"),
  );
  return {
    ...update,
    UpdateExpression: `${update.UpdateExpression} ADD #version :one`,
    ConditionExpression: `${NO_SUCH_ROW} OR ${IS_NOT_OUR_OWN_WRITE}`,
    ExpressionAttributeNames: { ...update.ExpressionAttributeNames, "#version": "version" },
    ExpressionAttributeValues: { ...update.ExpressionAttributeValues, ":one": { N: "1" } },
  };
}

/** Sets what the row has and removes what it has not; `schema` and `data` are reserved words, hence the names. */
function contentUpdate(row: Row, names: readonly (typeof CONTENT)[number][]) {
  const item = toItem(row);
  const present = names.filter((name) => item[name] !== undefined);
  const absent = ["quiet", ...names.filter((name) => item[name] === undefined)];
  return {
    Key: { pk: { S: row.pk } },
    UpdateExpression:
      `SET ${present.map((name) => `#${name} = :${name}`).join(", ")}` +
      ` REMOVE ${absent.map((name) => `#${name}`).join(", ")}`,
    ExpressionAttributeNames: Object.fromEntries([...present, ...absent].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(present.map((name) => [`:${name}`, item[name]])),
  };
}
