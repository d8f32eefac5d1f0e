// Entry of the worker: environment → configuration → run → exit code; nothing else.
import { randomBytes, randomUUID } from "node:crypto";
import { createJsonLog } from "../shared/adapters/log/json-log.ts";
import type { Log } from "../shared/ports/log.ts";
import { createSystemClock } from "./clock.ts";
import { FALLBACK_ID, readConfig } from "./config.ts";
import { createHttpSender } from "./dispatcher/http-sender.ts";
import { EXIT_CONFIG, EXIT_FAULT } from "./exit-codes.ts";
import { createHost } from "./host/create-host.ts";
import { runWorker } from "./life/run-worker.ts";
import { createSecrets, type Secrets } from "./secrets.ts";
import { listenForStop } from "./shutdown.ts";

const secrets = createSecrets();
const clock = createSystemClock();
const log = createJsonLog({
  write: (line) => process.stdout.write(`${line}\n`),
  clock,
  secrets: () => secrets.values(),
});
const code = await main(log, secrets).catch((error: unknown) => {
  log.error("worker-fault", { message: "The worker itself failed; this is a fault of npu-dispatch.", error });
  return EXIT_FAULT;
});
// What a step left behind may hold a pipe of ours open: the end of the worker does not wait for it.
process.exit(code);

async function main(log: Log, secrets: Secrets): Promise<number> {
  const { env } = process;
  for (const name of ["RUNPOD_AI_API_KEY", "GITHUB_PAT"]) secrets.add(env[name]);
  const read = readConfig(env, process.cwd(), `${FALLBACK_ID}-${randomBytes(5).toString("hex")}`);
  if (!read.ok) {
    for (const fault of read.faults) log.error("config-fault", { message: fault });
    return EXIT_CONFIG;
  }
  log.info("worker-booted", { worker: read.config.workerId, endpoint: read.config.endpoint });
  return await runWorker({
    config: read.config,
    env,
    clock,
    random: Math.random,
    log,
    secrets,
    send: createHttpSender(env),
    bootId: randomUUID(),
    host: await createHost({ env, config: read.config, clock, log, exit: process.exit }),
    deviceDir: env["NPU_DISPATCH_DEVICE_DIR"] || "/dev",
    cgroupDir: env["NPU_DISPATCH_CGROUP_DIR"] || "/sys/fs/cgroup",
    onStopSignal: (stop) => listenForStop(process, stop),
  });
}
