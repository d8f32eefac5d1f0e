// Ends the worker of a job. Nothing to end is no fault: the step runs whatever happened before it.
import process from "node:process";
import { connect } from "../lib/dispatcher.mjs";
import { annotate, readInput, say } from "../lib/runner-io.mjs";

try {
  await terminate(readInput("job-id"));
} catch (error) {
  annotate("error", error.message);
  process.exitCode = 1;
}

async function terminate(id) {
  if (id === "") return say("No job was started: there is nothing to end.");
  const status = await connect().cancel(id);
  say(status === undefined ? `Job ${id} is gone already.` : `Job ${id} is ${status}.`);
}
