// Which cards a pod was really given, as the device plugins and schedulers for Ascend write it on the pod.
import type { V1Pod } from "@kubernetes/client-node";

/**
 * In the order of how near they are to the truth: what was mounted, what the kubelet chose, what the scheduler chose
 * (MindCluster, "Kubernetes API" of its cluster scheduling).
 */
const ANNOTATIONS = [
  "huawei.com/AscendReal",
  "huawei.com/kltDev",
  "huawei.com/Ascend910",
  "huawei.com/Ascend310P",
  "huawei.com/Ascend310",
  "huawei.com/npu",
];

/** HAMi writes `<uuid>,<kind>,<MiB>,<percent>:` for each card there; several workers may share one. */
const HAMI = /^hami\.io\/.+-devices-allocated$/;

/** Physical numbers, such as "0" and "3" of `Ascend910-0,Ascend910-3`, or HAMi's ids; undefined when nobody wrote any. */
export function devicesOf(pod: V1Pod): string[] | undefined {
  const annotations = pod.metadata?.annotations ?? {};
  const text = ANNOTATIONS.map((name) => annotations[name]).find((value) => value);
  const devices = text?.split(",").flatMap((part) => numberOf(part.trim()) ?? []) ?? sharesOf(annotations);
  return devices.length === 0 ? undefined : devices;
}

function sharesOf(annotations: { readonly [name: string]: string }): string[] {
  const name = Object.keys(annotations).find((key) => HAMI.test(key));
  const entries = (name === undefined ? "" : (annotations[name] ?? "")).split(/[:;]/);
  return [...new Set(entries.map((entry) => entry.split(",")[0]?.trim() ?? ""))].filter((id) => id !== "");
}

/** `Ascend910-3`, `3`; of a virtual card `Ascend910-2c-100-1` the last is the physical one. */
function numberOf(device: string): string | undefined {
  return /(?:^|-)(\d+)$/.exec(device)?.[1];
}
