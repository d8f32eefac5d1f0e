// Runner.Worker: the process that runs one job, a child of the listener. Lines of actions/runner are those of 258d6c857.
//
// It survives INT, which comes to the whole process group (Terminal.cs:42). TERM shuts it down: the step that runs is
// interrupted, no other one starts, the job fails, and it has 30 s for that (Worker.cs:221-228, Constants.cs:89). When
// the listener dies it goes with its steps, and nothing is reported. Seen with 2.333.1: `kill -9` of the listener.
import { execute } from "./execute.mjs";
import { endChildren } from "./script.mjs";
import { call, callPatiently } from "./server.mjs";
import { RESULT_CODES } from "./start-worker.mjs";

const SHUTDOWN_MS = 30_000;
const CRASHED = 1;
const cancelling = new AbortController();
const shuttingDown = new AbortController();

// What `ps` and /proc/<pid>/comm show of the real one.
process.title = "Runner.Worker";
process.on("SIGINT", () => undefined);
process.on("SIGTERM", shutDown);
process.on("disconnect", () => {
  endChildren();
  process.exit(CRASHED);
});
process.on("message", (message) => {
  if (message.type === "job") void run(message);
  else if (message.type === "cancel") cancelling.abort();
  else shutDown();
});

function shutDown() {
  shuttingDown.abort();
  setTimeout(() => process.exit(CRASHED), SHUTDOWN_MS).unref();
}

async function run({ root, settings, job }) {
  const ask = (method, path, options, patience) =>
    (patience ? callPatiently : call)(settings.serverUrl, method, `/_stand-in/${path}`, {
      credential: settings.credential,
      ...options,
    });
  const signals = { cancelled: cancelling.signal, shutDown: shuttingDown.signal };
  const result = await execute({ root, settings, job, ask, ...signals });
  process.exit(RESULT_CODES[result]);
}
