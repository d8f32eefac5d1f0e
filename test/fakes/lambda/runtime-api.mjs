// Lambda's Runtime API for one sandbox (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), in a thread of its own: the
// runtime's native client waits for the answer to a result without leaving the main thread.
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";

const API = "/2018-06-01/runtime/";
/** The runtime's open question for the next event. */
let asking;

const server = createServer(async (request, response) => {
  const path = request.url.slice(API.length);
  if (path === "invocation/next") {
    asking = response;
    return parentPort.postMessage({ type: "asks" });
  }
  const body = JSON.parse(Buffer.concat(await request.toArray()).toString("utf8") || "null");
  parentPort.postMessage(
    path.endsWith("/response") ? { type: "answered", result: body } : failed(path, body),
  );
  response.writeHead(202, { "content-type": "application/json" }).end("{}");
});
// It may wait for the next event for hours.
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  parentPort.postMessage({ type: "listens", port: server.address().port });
});
parentPort.on("message", ({ headers, body }) => asking.writeHead(200, headers).end(body));

function failed(path, body) {
  const { errorType = "Error", errorMessage = "" } = body ?? {};
  return { type: path === "init/error" ? "init-failed" : "failed", errorType, errorMessage };
}
