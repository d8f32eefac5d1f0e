// The environment of a local worker: what the dispatcher may hand on, and the devices that are its own.
export type Cards = {
  readonly kind: "npu" | "gpu" | "cpu";
  /** Device number of each card, by slot: /dev/davinci<n>, /dev/nvidia<n>. */
  readonly devices: readonly number[];
  readonly simulated: boolean;
};

type Env = { readonly [name: string]: string | undefined };

/** Everything that a worker starts inherits this, so that it can be found when its parents are gone. */
export const MARKER = "NPU_DISPATCH_WORKER";

/** What a program needs of a host, and nothing that could be a secret of the dispatcher. */
const ALLOWED = new Set([
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "TZ",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "LD_LIBRARY_PATH",
  // Whether and as whom actions/runner runs where the dispatcher is root.
  "RUNNER_ALLOW_RUNASROOT",
  "RUNNER_USER",
  // What the set_env.sh of a CANN toolkit exports. No prefix match: ASCEND_VISIBLE_DEVICES of the dispatcher is not for
  // its workers.
  "ASCEND_HOME_PATH",
  "ASCEND_TOOLKIT_HOME",
  "ASCEND_INSTALL_PATH",
  "ASCEND_OPP_PATH",
  "ASCEND_CUSTOM_OPP_PATH",
  "ASCEND_AICPU_PATH",
  "ASCEND_DRIVER_PATH",
]);
const ALLOWED_SHAPE = /^(LC_[A-Z]+|(http|https|all|no)_proxy|(HTTP|HTTPS|ALL|NO)_PROXY)$/;

/** Later ones win: the allowed part of `base`, `extra` (the operator's), `own` (the start's), then marker and devices. */
export function workerEnv(
  worker: {
    readonly workerId: string;
    readonly dir: string;
    /** Of its runner, where that is not in `dir`. */
    readonly runnerDir?: string | undefined;
    readonly keptDir?: string | undefined;
    readonly slots: readonly number[];
  },
  cards: Cards,
  env: { readonly base: Env; readonly extra: Env; readonly own: Env },
): { [name: string]: string } {
  const allowed = Object.entries(env.base).filter(([name]) => ALLOWED.has(name) || ALLOWED_SHAPE.test(name));
  const all = {
    ...Object.fromEntries(allowed),
    ...env.extra,
    ...env.own,
    [MARKER]: worker.workerId,
    WORKER_DIR: worker.dir,
    WORKER_RUNNER_DIR: worker.runnerDir,
    WORKER_KEPT_DIR: worker.keptDir,
    ...deviceEnv(worker.slots, cards),
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * `*_VISIBLE_DEVICES` of the container runtimes take device numbers; `ASCEND_RT_` and `CUDA_VISIBLE_DEVICES`, read
 * within the process, count the devices that are there. Both are the same where no number is missing. CUDA counts the
 * fastest first unless told otherwise: its job would run on other cards than those that were given and checked.
 */
function deviceEnv(slots: readonly number[], cards: Cards): Env {
  const { kind, devices, simulated } = cards;
  if (kind === "cpu") return {};
  const indices = slots.join();
  const numbers = slots.length === 0 ? "void" : slots.map((slot) => devices[slot] ?? slot).join();
  const names =
    kind === "npu"
      ? {
          ASCEND_VISIBLE_DEVICES: numbers,
          // Unset when empty: CANN does not say what an empty list means to it.
          ASCEND_RT_VISIBLE_DEVICES: slots.length === 0 ? undefined : indices,
        }
      : {
          NVIDIA_VISIBLE_DEVICES: numbers,
          CUDA_VISIBLE_DEVICES: indices,
          CUDA_DEVICE_ORDER: slots.length === 0 ? undefined : "PCI_BUS_ID",
        };
  return { ...names, NPU_DISPATCH_SIMULATED_CARDS: simulated ? indices : undefined };
}
