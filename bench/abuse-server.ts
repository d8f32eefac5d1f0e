// The server of the abuse bench in a process of its own, with the store and the limits of `npm start`; it says what it
// costs.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { hashKey } from "../functions/http/client/auth.ts";
import { startServer } from "../functions/server.ts";
import { createSqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import { parseConfig } from "../shared/config/parse.ts";
import { redact } from "../shared/redacted.ts";
import { ABUSER, ENDPOINT, VICTIM, WEBHOOK_SECRET } from "./abuse-names.ts";
import { percentile } from "./percentile.ts";

const RESOLUTION_MS = 5;
const NS_PER_MS = 1_000_000;
const US_PER_MS = 1_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Since it was asked before. */
export type Cost = {
  readonly rssMb: number;
  readonly loopDelayP99Ms: number;
  readonly heldCpuP99Ms: number;
  readonly cpuShare: number;
};

const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const stores = createSqliteStores({
  file: join(dir, "dispatch.db"),
  clock: systemClock,
  onChange: (change) => tell(change),
});
let tell: Parameters<Parameters<typeof startServer>[0]["openStores"]>[0] = () => {};
const server = await startServer({
  config: configOf(),
  secrets: {
    app: {
      webhookSecrets: [redact(WEBHOOK_SECRET)],
      appId: "1",
      appPrivateKey: redact(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    },
    // Nothing here needs GitHub; a call to it fails at once.
    githubApiUrl: "http://127.0.0.1:9",
    dispatchSecret: redact("dispatch-secret-of-the-abuse-bench"),
    dispatchSecretPrevious: undefined,
    adminKey: undefined,
  },
  host: "127.0.0.1",
  port: 0,
  poolsDir: join(dir, "pools"),
  openStores: async (onChange) => {
    tell = onChange;
    return { stores, close: () => stores.close() };
  },
  workerCommand: [process.execPath, "--version"],
  baseEnv: {},
  workerEnv: {},
  log: silent,
});
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
let most = 0;
/**
 * CPU of this thread between two looks: what a turn of the loop really works, where `loopDelay` also has what other
 * programs of the machine took from it.
 */
let held: number[] = [];
let since = performance.now();
let cpu = process.threadCpuUsage();
let all = cpu;
setInterval(() => {
  const now = process.threadCpuUsage();
  held.push((now.user + now.system - cpu.user - cpu.system) / US_PER_MS);
  cpu = now;
}, RESOLUTION_MS).unref();
setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 200).unref();
process.on("message", async (word: "cost" | "end") => {
  if (word === "cost") {
    const cost: Cost = {
      rssMb: Math.round(most / 1_000_000),
      heldCpuP99Ms: percentile(held, 0.99),
      cpuShare: shareOf(process.threadCpuUsage(all)),
      loopDelayP99Ms: Math.round(Math.max(0, delay.percentile(99) / NS_PER_MS - RESOLUTION_MS) * 10) / 10,
    };
    most = 0;
    held = [];
    since = performance.now();
    all = process.threadCpuUsage();
    delay.reset();
    process.send?.(cost);
    return;
  }
  await server.close();
  await rm(dir, { recursive: true, force: true });
  process.exit(0);
});
process.send?.({ url: server.url });

function shareOf({ user, system }: { readonly user: number; readonly system: number }): number {
  return Math.round(((user + system) / US_PER_MS / (performance.now() - since)) * 100) / 100;
}

/** Nothing ever starts: its tenants may have no card. */
function configOf() {
  const parsed = parseConfig(
    JSON.stringify({
      pools: { full: { driver: "local", kind: "npu", cards: 1 } },
      endpoints: [
        { name: ENDPOINT, pool: "full", startedBy: "api", command: ["never"] },
        { name: "linux-arm64-npu-1", pool: "full", cards: 1 },
      ],
      tenants: [ABUSER, VICTIM].map(({ owner, ownerId }) => ({ owner, ownerId, maxCards: 0 })),
      apiKeys: [ABUSER, VICTIM].map(({ owner, ownerId, key }) => ({
        name: owner,
        owner,
        ownerId,
        hash: hashKey(key),
      })),
    }),
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
}
