// What Lambda's Node runtime does inside a sandbox: loads the bundle, then handles one event at a time.
// JavaScript, so that a cold start here is Node's and the bundle's, without the time to strip types.
import { pathToFileURL } from "node:url";
import { holdSockets, takeWritten, thawSockets } from "./frozen-sockets.mjs";

const [, , bundle] = process.argv;

try {
  const { handler } = await import(pathToFileURL(bundle).href);
  if (typeof handler !== "function") throw new TypeError(`${bundle} exports no handler`);
  process.on("message", (call) => void answer(handler, call));
  process.send({ type: "ready" });
} catch (error) {
  process.send({ type: "init-failed", ...textsOf(error) }, () => process.exit(1));
}

async function answer(handler, { event, context, remainingMs, freeze }) {
  const dead = freeze === undefined ? 0 : thawSockets(freeze);
  const deadlineAt = Date.now() + remainingMs;
  const whole = { ...context, getRemainingTimeInMillis: () => Math.max(0, deadlineAt - Date.now()) };
  const outcome = await outcomeOf(handler, event, whole);
  holdSockets();
  process.send({ ...outcome, connections: { dead, written: takeWritten() } });
}

async function outcomeOf(handler, event, context) {
  try {
    return { type: "answered", result: (await handler(event, context)) ?? null };
  } catch (error) {
    return { type: "failed", ...textsOf(error) };
  }
}

function textsOf(error) {
  return { errorType: error?.name ?? typeof error, errorMessage: String(error?.message ?? error) };
}
