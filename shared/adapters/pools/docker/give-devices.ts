// How a container gets its cards: the part of its body, and the variables that tell it.
import type { DockerPoolSettings } from "./settings.ts";

export type GivenDevices = {
  readonly hostConfig: {
    readonly Devices?: readonly DeviceMapping[];
    readonly DeviceRequests?: readonly DeviceRequest[];
    readonly Runtime?: string;
  };
  readonly env: { readonly [name: string]: string };
};

type DeviceMapping = {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
};
type DeviceRequest = {
  readonly Driver: string;
  readonly DeviceIDs: readonly string[];
  readonly Capabilities: readonly (readonly string[])[];
};

/**
 * `numbers`: device numbers of its cards, `slots` their indices in the pool. A container sees no other cards, so
 * nothing is said about the order within it (`ASCEND_RT_VISIBLE_DEVICES`, `CUDA_VISIBLE_DEVICES`).
 */
export function giveDevices(
  cards: { readonly numbers: readonly number[]; readonly slots: readonly number[] },
  settings: Pick<DockerPoolSettings, "kind" | "devices" | "deviceFiles" | "runtime">,
): GivenDevices {
  const { kind, devices } = settings;
  const { numbers, slots } = cards;
  if (kind === "cpu") return { hostConfig: {}, env: {} };
  // `void` also where there is none: the images of the vendors say `all`, and the engine's default runtime listens.
  const visible = numbers.length === 0 || devices === "simulated" ? "void" : numbers.join();
  const env = { [kind === "npu" ? "ASCEND_VISIBLE_DEVICES" : "NVIDIA_VISIBLE_DEVICES"]: visible };
  if (devices === "simulated") {
    return { hostConfig: {}, env: { ...env, NPU_DISPATCH_SIMULATED_CARDS: slots.join() } };
  }
  if (numbers.length === 0) return { hostConfig: {}, env };
  if (devices === "runtime") return { hostConfig: { Runtime: settings.runtime }, env };
  return { hostConfig: kind === "npu" ? fileList(numbers, settings.deviceFiles) : gpuRequest(numbers), env };
}

function fileList(numbers: readonly number[], shared: readonly string[]): GivenDevices["hostConfig"] {
  const paths = [...numbers.map((number) => `/dev/davinci${number}`), ...shared];
  const Devices = paths.map((path) => ({
    PathOnHost: path,
    PathInContainer: path,
    CgroupPermissions: "rwm",
  }));
  return { Devices };
}

function gpuRequest(numbers: readonly number[]): GivenDevices["hostConfig"] {
  return { DeviceRequests: [{ Driver: "nvidia", DeviceIDs: numbers.map(String), Capabilities: [["gpu"]] }] };
}
