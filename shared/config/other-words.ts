// What other programs, and the other drivers, call what is meant: advice for words that no typing error explains.

type Table = { readonly [first: string]: { readonly [second: string]: string } };

/** By the setting, then by the word in small letters: what to write. */
const VALUES: Table = {
  driver: {
    podman: "docker, with host: unix:///run/podman/podman.sock (podman system service gives that socket)",
    containerd: "docker, with the socket of a Docker engine or of Podman; containerd has no such interface",
    nerdctl: "docker, with the socket of a Docker engine or of Podman; containerd has no such interface",
    "docker-compose": "docker",
    k8s: "kubernetes",
    k3s: "kubernetes",
    kube: "kubernetes",
    openshift: "kubernetes",
    eks: "kubernetes, with cluster: {auth: eks}",
    volcano: "kubernetes, with queue: {type: volcano}",
    kueue: "kubernetes, with queue: {type: kueue}",
    process: "local",
    shell: "local",
    host: "local",
    machine: "local",
  },
  kind: { ascend: "npu", huawei: "npu", cuda: "gpu", nvidia: "gpu", none: "cpu" },
  auth: { incluster: "in-cluster", serviceaccount: "in-cluster", kubectl: "kubeconfig", aws: "eks" },
};

/** By the driver, then by the setting in small letters: where it is. */
const SETTINGS: Table = {
  docker: {
    volumes: "mounts, each with source and target",
    binds: "mounts, each with source and target",
    imagepullpolicy: "pullPolicy",
    imagepullsecrets: "registries",
    security: "capabilities and newPrivileges",
    shmsize: "perCard.shm",
    dockerhost: "host",
    socket: "host",
    gpus: "kind: gpu with cards",
    perworker: "perCard, which a worker without cards gets once",
  },
  kubernetes: {
    mounts: "volumes, each with mountPath and one of claim, hostPath, hostFile and empty",
    registries: "imagePullSecrets, the names of Secrets",
    capabilities: "security.capabilities",
    newprivileges: "security.allowPrivilegeEscalation",
    runtime: "runtimeClass",
    shm: "volumes with mountPath: /dev/shm and empty: memory",
    kubeconfig: "cluster: {auth: kubeconfig, path: …}",
    context: "cluster: {auth: kubeconfig, context: …}",
  },
};

export function wordFor(setting: string, word: unknown): string | undefined {
  return typeof word === "string" ? lookUp(VALUES, setting, word.trim().toLowerCase()) : undefined;
}

/** `driver`: as it was written, whatever that was. */
export function settingFor(driver: unknown, setting: string): string | undefined {
  return lookUp(SETTINGS, String(driver), setting.toLowerCase());
}

function lookUp(table: Table, first: string, second: string): string | undefined {
  const words = Object.hasOwn(table, first) ? table[first] : undefined;
  return words && Object.hasOwn(words, second) ? words[second] : undefined;
}
