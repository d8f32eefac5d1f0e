// The serverless deployment on this machine: the built bundles, wired as serverless.yml wires them.
import { join } from "node:path";
import { seeded } from "../github/seeded.ts";
import { readDeployment } from "./deployment.ts";
import { startHttpFront } from "./http-front.ts";
import { type FunctionStats, startLambda } from "./lambda.ts";
import { startParameterStore } from "./parameter-store.ts";
import type { Freezes } from "./sandbox.ts";
import { startScheduler } from "./scheduler.ts";
import type { LaneStats } from "./stream-lane.ts";
import { startStreamPoller } from "./stream-poller.ts";

export type CloudOptions = {
  /** Folder of the bundles: `<bundles>/<function>/index.mjs`. */
  readonly bundles: string;
  readonly dynamodbEndpoint: string;
  /** Exists already, with its stream. */
  readonly table: string;
  /** For all functions; secrets among them go through a Parameter Store, as on AWS. */
  readonly env: { readonly [name: string]: string };
  readonly scheduleMs: number;
  readonly seed: number;
  /** On average one sandbox in so many events is thrown away after it; 20 unless given. */
  readonly coldStartEvery?: number;
  /** Share of stream batches and schedule events that come twice; 0.1 unless given. */
  readonly repeatShare?: number;
  readonly freezes?: Partial<Freezes>;
  /** As findRic() answers it. */
  readonly ric?: string | undefined;
  readonly log?: (name: string, line: string) => void;
};

type CloudStats = {
  readonly functions: { readonly [name: string]: FunctionStats & { readonly repeats: number } };
  /** `filtered`: records that did not wake dispatch; `discarded`: given up after the last retry. */
  readonly stream: LaneStats & { readonly filtered: number };
};

export type Cloud = {
  /** The API's address: GitHub delivers to `/webhooks/github` there. */
  readonly url: string;
  stats(): CloudStats;
  stop(): Promise<void>;
};

const SECRETS_PATH = "/npu-dispatch/local";
const SECRET = /^(GITHUB_APP_ID|GITHUB_APP_PRIVATE_KEY|GITHUB_WEBHOOK_SECRET|DISPATCH_SECRET)(_PREVIOUS)?$/;
/** Makes every run meet the case; on AWS it depends on the content type. */
const BASE64_SHARE = 0.3;
const POLL_MS = 50;
const RETRY_MS = 100;

export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { stream, scheduled, routes, functions } = readDeployment();
  const { seed, coldStartEvery = 20, repeatShare = 0.1, log } = options;
  const chance = seeded(seed);
  const isSecret = ([name]: [string, string]): boolean => SECRET.test(name);
  const entries = Object.entries(options.env);
  const parameters = await startParameterStore(
    Object.fromEntries(entries.filter(isSecret).map(([name, value]) => [`${SECRETS_PATH}/${name}`, value])),
  );
  // The functions must know the front's address, so it is there first; nobody else knows it yet.
  const front = await startHttpFront({
    routes,
    chance,
    base64Share: BASE64_SHARE,
    invoke: (name, event) => lambda.invoke(name, event),
  });
  const env = {
    DISPATCH_TABLE: options.table,
    SECRETS_PATH,
    PUBLIC_URL: front.url,
    AWS_ENDPOINT_URL_DYNAMODB: options.dynamodbEndpoint,
    AWS_ENDPOINT_URL_SSM: parameters.endpoint,
    ...Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
  };
  const specs = Object.entries(functions).map(([name, settings]) => {
    return [name, { ...settings, env, bundle: join(options.bundles, name, "index.mjs") }] as const;
  });
  const { freezes, ric } = options;
  const lambda = startLambda({
    functions: Object.fromEntries(specs),
    seed,
    coldStartEvery,
    freezes,
    ric,
    log,
  });
  const laneStats: LaneStats = { batches: 0, repeats: 0, retries: 0, discarded: 0 };
  const poller = await startStreamPoller({
    settings: stream,
    endpoint: options.dynamodbEndpoint,
    table: options.table,
    pollMs: POLL_MS,
    retryMs: RETRY_MS,
    repeatShare,
    chance,
    stats: laneStats,
    invoke: (event) => lambda.invoke(stream.function, event),
    onFailure: (records) => log?.(stream.function, `gave up ${records.length} stream records`),
  });
  const scheduler = startScheduler({
    everyMs: options.scheduleMs,
    chance,
    repeatShare,
    invoke: (event) => lambda.invoke(scheduled, event),
  });

  function stats(): CloudStats {
    const repeats: { [name: string]: number } = {
      [stream.function]: laneStats.repeats,
      [scheduled]: scheduler.repeats,
    };
    const each = Object.entries(lambda.stats()).map(([name, one]) => {
      return [name, { ...one, repeats: repeats[name] ?? 0 }] as const;
    });
    return { functions: Object.fromEntries(each), stream: { ...laneStats, filtered: poller.filtered } };
  }

  return {
    url: front.url,
    stats,
    async stop() {
      // No new events first, then what is under way, then the sandboxes and what they call.
      await front.stop();
      await Promise.all([scheduler.stop(), poller.stop()]);
      await lambda.stop();
      await parameters.stop();
    },
  };
}
