// What `npm run image` was asked for: arguments in, options or one sentence out.
import { parseArgs } from "node:util";
import type { ArchiveArch, Variant } from "./versions.ts";

export const ENGINES = ["docker", "podman", "buildah"] as const;
export type EngineName = (typeof ENGINES)[number];

export type ImageOptions = {
  readonly variant: Variant;
  readonly tags: readonly string[];
  /** Undefined: the first that works. */
  readonly engine: EngineName | undefined;
  readonly baseImage: string | undefined;
  /** `linux/arm64`; undefined: this machine's. */
  readonly platform: string | undefined;
  /** Of the archives to put into the image. */
  readonly arch: ArchiveArch;
  readonly runnerTarball: string | undefined;
  readonly nodeTarball: string | undefined;
  readonly buildkitTarball: string | undefined;
  /** ARGs of Dockerfile.worker by name. */
  readonly buildArgs: { readonly [name: string]: string };
  readonly push: boolean;
};

export type ReadOptions =
  | { readonly ok: true; readonly options: ImageOptions }
  | { readonly ok: false; readonly fault: string };

export const USAGE = `usage: npm run image -- --variant npu|gpu|cpu [options]
  --tag NAME             may be repeated; npu-dispatch-worker:dev-<variant> without one
  --base-image IMAGE     instead of the variant's own, as a mirror's copy
  --runner-tarball FILE  actions/runner from a file; it must have the pinned SHA-256
  --node-tarball FILE    Node from a file, likewise
  --buildkit-tarball FILE BuildKit's release from a file, likewise; only its buildctl is taken
  --build-arg NAME=TEXT  an ARG of Dockerfile.worker, as RUNNER_VERSION=2.338.0; may be repeated
  --platform PLATFORM    linux/amd64 or linux/arm64; this machine's without one
  --engine NAME          docker, podman or buildah; the first that works without one
  --push                 push the tags afterwards`;

/** @param arch of this machine, as process.arch has it */
export function readImageOptions(argv: readonly string[], arch: string): ReadOptions {
  try {
    return { ok: true, options: toOptions(parse(argv), arch) };
  } catch (error) {
    return { ok: false, fault: error instanceof Error ? error.message : String(error) };
  }
}

type Values = ReturnType<typeof parse>;

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    options: {
      variant: { type: "string" },
      tag: { type: "string", multiple: true, default: [] },
      engine: { type: "string" },
      "base-image": { type: "string" },
      "runner-tarball": { type: "string" },
      "node-tarball": { type: "string" },
      "buildkit-tarball": { type: "string" },
      "build-arg": { type: "string", multiple: true, default: [] },
      platform: { type: "string" },
      push: { type: "boolean", default: false },
    },
  }).values;
}

function toOptions(values: Values, arch: string): ImageOptions {
  const variant = oneOf("--variant", values.variant, ["npu", "gpu", "cpu"]);
  if (variant === undefined) throw new Error("--variant says what to build: npu, gpu or cpu.");
  return {
    variant,
    tags: values.tag.length > 0 ? values.tag : [`npu-dispatch-worker:dev-${variant}`],
    engine: oneOf("--engine", values.engine, ENGINES),
    baseImage: values["base-image"],
    platform: values.platform,
    arch: archiveArch(values.platform, arch),
    runnerTarball: values["runner-tarball"],
    nodeTarball: values["node-tarball"],
    buildkitTarball: values["buildkit-tarball"],
    buildArgs: Object.fromEntries(values["build-arg"].map(readBuildArg)),
    push: values.push,
  };
}

function oneOf<T extends string>(
  flag: string,
  value: string | undefined,
  known: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((name) => name === value);
  if (found === undefined) throw new Error(`${flag} is one of ${known.join(", ")}; "${value}" is not.`);
  return found;
}

/** Both projects call them so in the names of their archives. */
function archiveArch(platform: string | undefined, arch: string): ArchiveArch {
  if (platform === undefined ? arch === "x64" : platform === "linux/amd64") return "x64";
  if (platform === undefined ? arch === "arm64" : platform === "linux/arm64") return "arm64";
  throw new Error(
    `--platform is linux/amd64 or linux/arm64, one at a time; "${platform ?? arch}" is not. The release workflow joins both.`,
  );
}

/** Those that an option or this script sets would be said twice. */
const OWN = new Set(["BUILD_TYPE", "BASE_IMAGE", "IMAGE_REVISION", "IMAGE_CREATED", "TARGETARCH"]);

function readBuildArg(text: string): [string, string] {
  const [, name = "", value = ""] = /^([A-Za-z]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === "") throw new Error(`--build-arg is NAME=text; "${text}" is not.`);
  if (OWN.has(name)) throw new Error(`${name} is set by this command: use its option, or leave it out.`);
  return [name, value];
}
