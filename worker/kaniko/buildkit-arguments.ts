// kaniko's options in the words of `buildctl build`. Pure.
import { basename, dirname } from "node:path";
import { FLAGS } from "./flags.ts";
import { fullName, repositoryOf } from "./image-name.ts";
import type { Sources } from "./locate-build.ts";
import { isOn, type Options, textOf } from "./parse-arguments.ts";

export type BuildkitPlan =
  | {
      readonly ok: true;
      /** Arguments of buildctl, from `build` on. */
      readonly args: readonly string[];
      /** buildctl's own debug log. */
      readonly debug: boolean;
      /** Flags that were given and have no meaning here. */
      readonly idle: readonly string[];
      readonly wantsDigest: boolean;
    }
  | { readonly ok: false; readonly fault: string };

export function buildkitArguments(options: Options, sources: Sources): BuildkitPlan {
  const fault = refusalOf(options) ?? sourceFault(sources) ?? faultOf(options);
  if (fault !== undefined || sources.type === "remote") return { ok: false, fault: fault ?? "" };
  return {
    ok: true,
    args: [
      "build",
      "--progress=plain",
      "--frontend=dockerfile.v0",
      `--local=context=${sources.folder}`,
      `--local=dockerfile=${dirname(sources.dockerfile)}`,
      `--opt=filename=${basename(sources.dockerfile)}`,
      ...settings(options),
      ...cacheArguments(options),
      ...outputs(options),
    ],
    debug: ["debug", "trace"].includes(textOf(options, "verbosity") ?? ""),
    idle: FLAGS.filter(({ name, buildkit }) => buildkit.type === "idle" && options.has(name)).map(
      ({ name }) => name,
    ),
    wantsDigest: wantsDigest(options),
  };
}

const DIGEST_FLAGS = [
  "digest-file",
  "image-name-with-digest-file",
  "image-name-tag-with-digest-file",
] as const;

/** Beside the tags that kaniko itself makes in a cache repository, which are hashes. */
const CACHE_TAG = "buildkit-cache";

function refusalOf(options: Options): string | undefined {
  for (const { name, buildkit } of FLAGS) {
    // `--flag=false` asks for what BuildKit does anyway.
    if (buildkit.type !== "refused" || !options.has(name) || options.get(name)?.[0] === "false") continue;
    return `--${name} cannot be had from BuildKit: ${buildkit.why}.`;
  }
  return undefined;
}

function sourceFault(sources: Sources): string | undefined {
  if (sources.type === "remote") {
    return `--context=${sources.context} cannot be had from BuildKit here: check the sources out in a step before and give their folder.`;
  }
  if (/^https?:\/\//i.test(sources.dockerfile)) {
    return `--dockerfile=${sources.dockerfile} cannot be had from BuildKit here: download it in a step before and give its path.`;
  }
  return undefined;
}

function faultOf(options: Options): string | undefined {
  const destinations = options.get("destination") ?? [];
  if (destinations.length === 0 && !isOn(options, "no-push")) {
    return "there is no --destination to push to. Give one, or --no-push.";
  }
  if (targets(options).length > 1) {
    return "--target names several stages; BuildKit builds one. Give the one that is pushed, or call kaniko once for each.";
  }
  if (isOn(options, "cache") && destinations.length === 0 && !options.has("cache-repo")) {
    return "--cache has no repository: without --destination, --cache-repo must name one.";
  }
  const urls = DIGEST_FLAGS.filter((name) => /^https?:/i.test(textOf(options, name) ?? ""));
  return urls.length === 0
    ? undefined
    : `--${urls[0]} cannot be a URL with BuildKit. Give the path of a file.`;
}

function settings(options: Options): string[] {
  const given = (name: string, word: string) =>
    (options.get(name) ?? []).map((value) => `--opt=${word}${value}`);
  return [
    ...given("build-arg", "build-arg:"),
    ...given("label", "label:"),
    ...targets(options).map((target) => `--opt=target=${target}`),
    ...given("custom-platform", "platform="),
    ...(isOn(options, "reproducible") ? ["--opt=build-arg:SOURCE_DATE_EPOCH=0"] : []),
    ...(options.get("secret") ?? []).map((secret) => `--secret=${secret}`),
  ];
}

function cacheArguments(options: Options): string[] {
  // The daemon has a cache of its own; without --cache kaniko runs every instruction, whose result may be another one
  // today.
  if (!isOn(options, "cache")) return ["--no-cache"];
  const [first = ""] = options.get("destination") ?? [];
  const repository = textOf(options, "cache-repo") ?? `${repositoryOf(first)}/cache`;
  const [from, to] = cachePlaces(repository, options);
  // A cache that cannot be written costs kaniko a warning and buildctl the build.
  const exported = `--export-cache=${to},mode=max,ignore-error=true`;
  return [`--import-cache=${from}`, ...(isOn(options, "no-push-cache") ? [] : [exported])];
}

function cachePlaces(repository: string, options: Options): [from: string, to: string] {
  if (repository.startsWith("oci:")) {
    const path = repository.slice("oci:".length);
    return [`type=local,${field("src", path)}`, `type=local,${field("dest", path)}`];
  }
  const ref = field("ref", `${fullName(repository)}:${CACHE_TAG}`);
  const place = ["type=registry", ref, ...insecurity(options)].join(",");
  return [place, place];
}

function outputs(options: Options): string[] {
  const names = (options.get("destination") ?? []).map(fullName).join(",");
  const name = names === "" ? [] : [field("name", names)];
  const tar = textOf(options, "tar-path");
  const layout = textOf(options, "oci-layout-path");
  const pushes = !isOn(options, "no-push");
  const all = [
    pushes ? ["type=image", ...name, "push=true", ...insecurity(options)] : [],
    tar === undefined ? [] : ["type=docker", ...name, field("dest", tar)],
    layout === undefined ? [] : ["type=oci", field("dest", layout), "tar=false"],
    // Nothing is kept of it; only an exporter counts the digest.
    !pushes && tar === undefined && layout === undefined && wantsDigest(options)
      ? ["type=image", ...name]
      : [],
  ];
  return all
    .filter((output) => output.length > 0)
    .map((output) => `--output=${[...output, ...formats(options)].join(",")}`);
}

function formats(options: Options): string[] {
  const compression = textOf(options, "compression");
  const level = textOf(options, "compression-level");
  const format = textOf(options, "image-format");
  return [
    ...(compression ? [field("compression", compression), "force-compression=true"] : []),
    ...(level ? [field("compression-level", level)] : []),
    ...(format ? [`oci-mediatypes=${format === "oci"}`] : []),
    ...(isOn(options, "reproducible") ? ["rewrite-timestamp=true"] : []),
    ...(options.get("annotation") ?? []).map((annotation) => quoted(`annotation.${annotation}`)),
  ];
}

function targets(options: Options): string[] {
  return (options.get("target") ?? []).flatMap((value) => value.split(",")).filter((value) => value !== "");
}

function insecurity(options: Options): string[] {
  return isOn(options, "insecure") || isOn(options, "skip-tls-verify") ? ["registry.insecure=true"] : [];
}

function wantsDigest(options: Options): boolean {
  return DIGEST_FLAGS.some((name) => textOf(options, name) !== undefined);
}

function field(name: string, value: string): string {
  return quoted(`${name}=${value}`);
}

/** buildctl reads these lists as one line of CSV. */
function quoted(text: string): string {
  return /[",\n\r]/.test(text) || /^\s/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
