// What the three indexes list. Each listing pages until its limit or the end.
import type { EpochMs } from "../../domain/ids.ts";
import type { DueEntry, LaneEntry, Rows, SetEntry, SetKey } from "../store/rows.ts";
import type { DynamoInput, DynamoOutput } from "./call.ts";
import { DUE_SHARDS, dueShardName, type Item, marshal, unmarshal } from "./item.ts";
import { shareReads } from "./share-reads.ts";
import { DUE_INDEX, LANE_INDEX, SET_INDEX } from "./table.ts";

type Ask = (operation: "Query", input: DynamoInput) => Promise<DynamoOutput>;

type Query = {
  readonly index: string;
  readonly condition: string;
  readonly values: Readonly<Record<string, string | number>>;
  /** Attributes that the answer is cut down to; undefined: all that the index carries. Read, and paid for, is the whole. */
  readonly only?: string;
  /** undefined: all. */
  readonly limit: number | undefined;
};

export function createListings(ask: Ask): Pick<Rows, "queryLane" | "queryDue" | "querySet" | "querySetKeys"> {
  const whole = shareReads((setPk) => readSet(setPk, undefined));

  async function readSet(setPk: string, limit: number | undefined): Promise<SetEntry[]> {
    const values = { ":setPk": setPk };
    const found = await list(ask, { index: SET_INDEX, condition: "setPk = :setPk", values, limit });
    return found as SetEntry[];
  }

  return {
    async queryLane(lanePk, limit) {
      const values = { ":lanePk": lanePk };
      const found = await list(ask, { index: LANE_INDEX, condition: "lanePk = :lanePk", values, limit });
      return found as LaneEntry[];
    },
    async queryDue(until, limit) {
      const shards = Array.from({ length: DUE_SHARDS }, (_, shard) => dueOfShard(ask, shard, until, limit));
      const entries = (await Promise.all(shards)).flat();
      return entries.sort((a, b) => a.dueAt - b.dueAt).slice(0, limit);
    },
    // About 1 MB for a pool with 700 workers, which many ask for at once when many jobs come at once.
    querySet: (setPk, limit) => (limit === undefined ? whole(setPk) : readSet(setPk, limit)),
    async querySetKeys(setPk, limit) {
      const values = { ":setPk": setPk };
      const query = { index: SET_INDEX, condition: "setPk = :setPk", values, only: "pk, setSk", limit };
      return (await list(ask, query)) as SetKey[];
    },
  };
}

/** Any one shard may hold all of the oldest, so each is asked for as many. */
async function dueOfShard(ask: Ask, shard: number, until: EpochMs, limit: number): Promise<DueEntry[]> {
  const values = { ":shard": dueShardName(shard), ":until": until };
  const condition = "dueShard = :shard AND dueAt <= :until";
  return (await list(ask, { index: DUE_INDEX, condition, values, limit })) as DueEntry[];
}

/** The same for every page. */
function inputOf({ index, condition, values, only }: Query): DynamoInput {
  return {
    IndexName: index,
    KeyConditionExpression: condition,
    ExpressionAttributeValues: marshal(values),
    ...(only === undefined ? {} : { ProjectionExpression: only }),
  };
}

async function list(ask: Ask, query: Query): Promise<object[]> {
  const found: object[] = [];
  let from: Item | undefined;
  let left = query.limit;
  while (left === undefined || left > 0) {
    const answer = await ask("Query", {
      ...inputOf(query),
      ...(left === undefined ? {} : { Limit: left }),
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    });
    found.push(...(answer.Items ?? []).map(unmarshal));
    from = answer.LastEvaluatedKey;
    if (from === undefined) break;
    left = query.limit === undefined ? undefined : query.limit - found.length;
  }
  return found;
}
