// A pool's volumes as a pod's volumes and mounts.
import type { V1Volume, V1VolumeMount } from "@kubernetes/client-node";
import type { PoolVolume } from "../settings.ts";

export function volumes(list: readonly PoolVolume[]): V1Volume[] {
  return list.map((volume, index) => ({ name: nameOf(index), ...sourceOf(volume) }));
}

export function volumeMounts(list: readonly PoolVolume[]): V1VolumeMount[] {
  return list.map((volume, index) => ({
    name: nameOf(index),
    mountPath: volume.mountPath,
    ...(volume.readOnly && { readOnly: true }),
    ...(volume.type === "claim" && volume.subPath !== undefined && { subPath: volume.subPath }),
  }));
}

function nameOf(index: number): string {
  return `volume-${index}`;
}

function sourceOf(volume: PoolVolume): Omit<V1Volume, "name"> {
  switch (volume.type) {
    case "claim":
      return { persistentVolumeClaim: { claimName: volume.claim, readOnly: volume.readOnly } };
    case "host":
      // With a type the kubelet refuses a path that is missing; without one it would mount an empty folder in its place.
      return { hostPath: { path: volume.path, type: volume.file ? "File" : "Directory" } };
    case "empty":
      return {
        emptyDir: {
          ...(volume.memory && { medium: "Memory" }),
          ...(volume.size !== undefined && { sizeLimit: volume.size }),
        },
      };
  }
}
