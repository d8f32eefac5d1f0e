// Who builds: decided by the environment of the image or of the job. Pure.
import { resolve } from "node:path";

export type Backend =
  /** kaniko's executor in this very container, over whose files it unpacks the image. */
  | { readonly type: "executor"; readonly program: string }
  | {
      readonly type: "buildkit";
      readonly program: string;
      readonly address: string;
      readonly tlsFolder: string | undefined;
    }
  /** kaniko's executor in another container that has `folder` at the same path. */
  | { readonly type: "sidecar"; readonly folder: string; readonly waitMs: number };

export type BackendChoice =
  | { readonly ok: true; readonly backend: Backend }
  | { readonly ok: false; readonly fault: string };

type Environment = { readonly [name: string]: string | undefined };

/** Without KANIKO_BACKEND: the one that is configured, BuildKit before a sidecar; never the executor in this container. */
export function chooseBackend(env: Environment): BackendChoice {
  const name = env["KANIKO_BACKEND"] || configured(env);
  if (name === undefined) return { ok: false, fault: NONE };
  const choose = BACKENDS[name];
  if (choose === undefined) {
    return { ok: false, fault: `KANIKO_BACKEND is "${name}"; it must be buildkit, sidecar or executor.` };
  }
  return choose(env);
}

const BACKENDS: { readonly [name: string]: (env: Environment) => BackendChoice } = {
  buildkit,
  sidecar,
  executor,
};

const GUIDE = "docs/building-images.md says how.";
const NONE = `no builder is configured in this worker. The operator gives the pool a builder (a container with kaniko's executor beside this one), or sets BUILDKIT_HOST (a BuildKit daemon). ${GUIDE}`;
const IN_PLACE = `KANIKO_BACKEND=executor unpacks the image over the files of this container, its C library among them: the runner and the steps after this one would not survive it. Use BuildKit or a sidecar; in a container that is only for building, set KANIKO_EXECUTOR_IN_PLACE=1. ${GUIDE}`;

/** A sidecar is started with the worker, and polls every second. */
const DEFAULT_WAIT_MS = 30_000;

function configured(env: Environment): string | undefined {
  if (env["BUILDKIT_HOST"]) return "buildkit";
  return env["KANIKO_SIDECAR_DIR"] ? "sidecar" : undefined;
}

function buildkit(env: Environment): BackendChoice {
  const address = env["BUILDKIT_HOST"];
  if (!address) {
    const example = "unix:///run/buildkit/buildkitd.sock or tcp://buildkitd.build:1234";
    return { ok: false, fault: `KANIKO_BACKEND=buildkit needs BUILDKIT_HOST, such as ${example}.` };
  }
  const program = env["KANIKO_BUILDCTL"] || "buildctl";
  return {
    ok: true,
    backend: { type: "buildkit", program, address, tlsFolder: env["KANIKO_BUILDKIT_TLS_DIR"] || undefined },
  };
}

function sidecar(env: Environment): BackendChoice {
  const folder = env["KANIKO_SIDECAR_DIR"];
  if (!folder) {
    const wanted = "the folder that the sidecar and this container share at the same path";
    return { ok: false, fault: `KANIKO_BACKEND=sidecar needs KANIKO_SIDECAR_DIR: ${wanted}.` };
  }
  const wait = env["KANIKO_SIDECAR_WAIT_MS"] || String(DEFAULT_WAIT_MS);
  if (!/^\d{1,7}$/.test(wait)) {
    return { ok: false, fault: `KANIKO_SIDECAR_WAIT_MS is "${wait}"; it must be whole milliseconds.` };
  }
  return { ok: true, backend: { type: "sidecar", folder: resolve(folder), waitMs: Number(wait) } };
}

/** /kaniko/executor of our image is this very command, for scripts that name it so. */
export const CALLED_BY_US = "NPU_DISPATCH_KANIKO";
const OWN = `what KANIKO_BACKEND=executor would run is this command again, not kaniko's executor: copy /kaniko/executor of ghcr.io/osscontainertools/kaniko over that of the image, or name it in KANIKO_EXECUTOR. ${GUIDE}`;

function executor(env: Environment): BackendChoice {
  if (env[CALLED_BY_US] === "1") return { ok: false, fault: OWN };
  if (env["KANIKO_EXECUTOR_IN_PLACE"] !== "1") return { ok: false, fault: IN_PLACE };
  return { ok: true, backend: { type: "executor", program: env["KANIKO_EXECUTOR"] || "/kaniko/executor" } };
}
