// Who runs as whom in this container: two users, or one for both where the container or its operator leaves no choice.
// Pure.
import type { Environment } from "../config.ts";
import { findUser, type RunnerUser } from "../runner/runner-user.ts";

export type Identity =
  | { readonly type: "two"; readonly worker: RunnerUser; readonly runner: RunnerUser }
  /** `remark`: what that means for the jobs, for the log. */
  | { readonly type: "one"; readonly warning: boolean; readonly remark: string }
  | { readonly type: "impossible"; readonly message: string };

/** What `setpriv` and the end of a job need, with their numbers in linux/capability.h. */
const NEEDED: Readonly<Record<string, number>> = { CHOWN: 0, KILL: 5, SETGID: 6, SETUID: 7 };

/** `capabilities`: the effective ones of this process, as bits. */
export function decideIdentity(
  env: Environment,
  passwd: string,
  uid: number | undefined,
  capabilities: bigint,
): Identity {
  if (uid !== 0) {
    const remark = `The container runs as user ${uid}: worker and runner share it, a job can read what the worker knows, and "auto" registers by JIT config. Start it as root with the capabilities ${names()} to keep them apart.`;
    return { type: "one", warning: false, remark };
  }
  if (env["RUNNER_ALLOW_RUNASROOT"]) {
    const remark =
      "RUNNER_ALLOW_RUNASROOT is set: jobs run as root and can read what the worker knows. Unset it to give them a user of their own.";
    return { type: "one", warning: true, remark };
  }
  const missing = Object.entries(NEEDED).filter(([, bit]) => ((capabilities >> BigInt(bit)) & 1n) === 0n);
  if (missing.length > 0) {
    const lacking = missing.map(([name]) => name).join(", ");
    return impossible(
      `The container is root without the capabilities ${lacking}. Add ${names()}, start it as another user, or set RUNNER_ALLOW_RUNASROOT=1.`,
    );
  }
  return twoUsers(env["WORKER_USER"] || "worker", env["RUNNER_USER"] || "runner", passwd);
}

/** The effective capabilities in the text of /proc/self/status; none where it does not say. */
export function parseCapabilities(status: string): bigint {
  const bits = /^CapEff:\s*([\da-f]{1,16})$/m.exec(status)?.[1];
  return bits === undefined ? 0n : BigInt(`0x${bits}`);
}

function twoUsers(workerSpec: string, runnerSpec: string, passwd: string): Identity {
  const worker = findUser(workerSpec, passwd);
  const runner = findUser(runnerSpec, passwd);
  if (!worker) return impossible(`WORKER_USER is ${workerSpec}, who is not in /etc/passwd of this image.`);
  if (!runner) return impossible(`RUNNER_USER is ${runnerSpec}, who is not in /etc/passwd of this image.`);
  if (worker.uid === 0 || runner.uid === 0 || worker.uid === runner.uid) {
    const ids = `WORKER_USER is user ${worker.uid}, RUNNER_USER is user ${runner.uid}`;
    return impossible(
      `${ids}: they must be two, and neither root. RUNNER_ALLOW_RUNASROOT=1 runs both as root.`,
    );
  }
  return { type: "two", worker, runner };
}

function impossible(message: string): Identity {
  return { type: "impossible", message };
}

function names(): string {
  return Object.keys(NEEDED).join(", ");
}
