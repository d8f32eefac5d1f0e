// Starts a DynamoDB-compatible server for a test: one that is given, else dynoxide's binary, else dynalite.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { startDynalite } from "./dynalite.ts";

export type DynamodbServer = {
  readonly endpoint: string;
  stop(): Promise<void>;
};

/** No emulator checks signatures, but all want some. */
export const FAKE_CREDENTIALS = { accessKeyId: "fakeAccessKey", secretAccessKey: "fakeSecretKey" };
export const FAKE_REGION = "us-east-1";

const BINARY = fileURLToPath(new URL("../../../node_modules/@dynoxide/linux-x64/dynoxide", import.meta.url));

/** dynoxide is ready in 8 ms on a quiet machine. */
const READY_WITHIN_MS = 10_000;

/** `DYNAMODB_ENDPOINT`: the URL of a server that has streams, or `dynalite`. */
export async function startDynamodb(): Promise<DynamodbServer> {
  const { DYNAMODB_ENDPOINT: given = "" } = process.env;
  if (given !== "" && given !== "dynalite") {
    say(`the server at ${given} (DYNAMODB_ENDPOINT)`);
    return { endpoint: given, stop: async () => {} };
  }
  const hasDynoxide = existsSync(BINARY) && process.platform === "linux" && process.arch === "x64";
  if (given === "" && hasDynoxide) {
    say("dynoxide (@dynoxide/linux-x64)");
    return startDynoxide();
  }
  say(
    hasDynoxide
      ? "dynalite (DYNAMODB_ENDPOINT)"
      : "dynalite, which runs everywhere; dynoxide is for x64 only",
  );
  return startDynalite();
}

/** Standard error, so that the report of a test run shows it on every platform. */
function say(which: string): void {
  process.stderr.write(`DynamoDB tests run on ${which}\n`);
}

async function startDynoxide(): Promise<DynamodbServer> {
  // With --port 0 it does not tell the port that it got.
  const port = await freePort();
  const child = spawn(BINARY, ["serve", "--host", "127.0.0.1", "--port", String(port)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await untilAnswers(endpoint, child, () => said);
  return { endpoint, stop: () => kill(child) };
}

/** SIGTERM takes it 1.2 s, and the data is in memory. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function untilAnswers(endpoint: string, child: ChildProcess, said: () => string): Promise<void> {
  for (const start = Date.now(); Date.now() - start < READY_WITHIN_MS; ) {
    if (child.exitCode !== null)
      throw new Error(`dynoxide ended with code ${child.exitCode} before it answered`);
    if (await answers(endpoint)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await kill(child);
  throw new Error(`dynoxide did not answer at ${endpoint} within ${READY_WITHIN_MS} ms: ${said()}`);
}

/** Any HTTP answer will do: it refuses a request without a target, but then it is there. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint)).arrayBuffer();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
