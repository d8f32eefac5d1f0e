// A sandbox under AWS's own runtime, aws-lambda-ric: its Runtime API is served by a thread of the same process
// (runtime-api.mjs), and told to the stand-in for Lambda in the words of bootstrap.mjs.
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { holdSockets, takeWritten, thawSockets } from "./frozen-sockets.mjs";

const [, , bundle, ric] = process.argv;

/** What became of the last event. */
let outcome = { type: "ready" };
let dead = 0;

const api = new Worker(new URL("./runtime-api.mjs", import.meta.url));
api.on("message", (message) => {
  if (message.type === "listens") start(message.port);
  else if (message.type === "asks") ended();
  else outcome = message;
  if (message.type === "init-failed") process.send(message);
});
process.on("message", hand);

function start(port) {
  process.env.AWS_LAMBDA_RUNTIME_API = `127.0.0.1:${port}`;
  process.env.LAMBDA_TASK_ROOT = dirname(bundle);
  process.env._HANDLER = `${basename(bundle).replace(/\.[^.]+$/, "")}.handler`;
  void import(pathToFileURL(ric).href);
}

/** It asks for the next event: what Lambda takes for the end of the last one, and freezes the sandbox. */
function ended() {
  if (outcome.type === "ready") return process.send(outcome);
  holdSockets();
  process.send({ ...outcome, connections: { dead, written: takeWritten() } });
}

function hand({ event, context, remainingMs, freeze }) {
  dead = freeze === undefined ? 0 : thawSockets(freeze);
  const headers = {
    "content-type": "application/json",
    "lambda-runtime-aws-request-id": context.awsRequestId,
    "lambda-runtime-deadline-ms": String(Date.now() + remainingMs),
    "lambda-runtime-invoked-function-arn": context.invokedFunctionArn,
  };
  api.postMessage({ headers, body: JSON.stringify(event) });
}
