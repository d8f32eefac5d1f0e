// The listener's side of Runner.Worker: started for one job, told of it and of its end over a pipe.
import { fork } from "node:child_process";
import { join } from "node:path";

/** TaskResultUtil.cs: 100 + TaskResult; every other exit code is a crash. */
export const RESULT_CODES = { Succeeded: 100, Failed: 102, Canceled: 103 };

/**
 * @param given `{ root, settings, job }`
 * @returns {{ cancel: (cause: "server" | "shutdown") => void, done: Promise<"Succeeded" | "Failed" | "Canceled" | undefined> }}
 *   `done` is undefined when it crashed: then nobody has told the server of the job's end
 */
export function startWorker(given) {
  const worker = fork(join(import.meta.dirname, "worker.mjs"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  // An interrupt of the whole group may end it before it has its handlers: a crash, as its exit says.
  worker.send({ type: "job", ...given }, () => undefined);
  const done = new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      resolve(Object.entries(RESULT_CODES).find(([, each]) => each === code)?.[0]);
    });
  });
  return {
    cancel: (cause) => {
      if (worker.connected)
        worker.send({ type: cause === "server" ? "cancel" : "shutdown" }, () => undefined);
    },
    done,
  };
}
