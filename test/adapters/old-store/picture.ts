// What the store of the fixture held when its server was killed, as that commit itself read it.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { EpochMs, JobId, PoolName, TenantId, WorkerId } from "../../../shared/domain/ids.ts";

/** A short text, or the size and digest of a long one. */
type Text = string | { readonly bytes: number; readonly sha256: string };

export type PicturedJob = {
  readonly id: JobId;
  /** How it came there, in words. */
  readonly what: string;
  readonly state: string;
  readonly endpoint: string;
  readonly pool: PoolName;
  readonly cards: number;
  readonly tenant: TenantId;
  readonly starts: number;
  readonly worker?: WorkerId;
  /** Why it is held. */
  readonly hold?: string;
  /** Why it ended. */
  readonly end?: string;
  readonly input?: Text;
  readonly output?: Text;
  readonly chunks?: readonly string[];
  readonly patSha256?: string;
  /** What the API says of it to its tenant's key. */
  readonly status: {
    readonly http: number;
    readonly status: string | number;
    readonly phase?: string;
    readonly workerId?: string;
    /** The code of `whyWaiting`. */
    readonly why?: string;
  };
  /** State and reason once a dispatcher has run on, as `played.test.ts` plays it. */
  readonly ends: string;
};

export type Picture = {
  /** The moment of the kill. */
  readonly at: EpochMs;
  readonly deployment: string;
  readonly keys: { readonly kept: string; readonly acme: string; readonly revoked: string };
  readonly listedKeys: readonly object[];
  readonly jobs: readonly PicturedJob[];
  readonly workers: readonly {
    readonly id: WorkerId;
    readonly state: string;
    readonly pool: PoolName;
    readonly cards: number;
    readonly slots: readonly number[];
    readonly job: JobId;
  }[];
  readonly pools: readonly {
    readonly name: PoolName;
    readonly total: number;
    readonly reservations: object;
    readonly trouble?: object;
  }[];
  readonly nearMisses: readonly object[];
  readonly repositories: readonly object[];
  readonly lanes: readonly { readonly pool: PoolName; readonly tenant: TenantId; readonly login: string }[];
  readonly pauses: readonly object[];
};

export async function readPicture(dir: string): Promise<Picture> {
  return JSON.parse(await readFile(join(dir, "picture.json"), "utf8")) as Picture;
}

const SHORT = 200;

export function textOf(text: string | undefined): Text | undefined {
  if (text === undefined || text.length < SHORT) return text;
  return { bytes: text.length, sha256: createHash("sha256").update(text).digest("hex") };
}
