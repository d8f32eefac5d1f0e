// Every flag of kaniko's executor, and what becomes of it when BuildKit builds instead. Pure data.

/** A `switch` may stand alone, a `list` may be repeated, of a repeated `value` the last one counts. */
type FlagKind = "switch" | "value" | "list";

type BuildkitRule =
  /** buildkit-arguments.ts has words for it. */
  | { readonly type: "maps" }
  /** Says how kaniko works, not what it makes: left out, with a line that says so. */
  | { readonly type: "idle" }
  /** The image would be another one, or the build would fail: said before it begins. */
  | { readonly type: "refused"; readonly why: string };

export type Flag = {
  readonly name: string;
  readonly kind: FlagKind;
  readonly short?: string;
  /** Spellings of older releases. */
  readonly formerly?: string;
  /** Holds a path on this machine. */
  readonly path?: true;
  readonly buildkit: BuildkitRule;
};

const maps: BuildkitRule = { type: "maps" };
const idle: BuildkitRule = { type: "idle" };
const refused = (why: string): BuildkitRule => ({ type: "refused", why });

const IN_BUILDKITD_TOML = refused(
  "it is a setting of the daemon: write the registry into its buildkitd.toml (https://docs.docker.com/build/buildkit/configure/)",
);
const NO_CHECKOUT = refused("check the sources out in a step before and give their folder to --context");

/** Those of v1.28.3: https://github.com/osscontainertools/kaniko/blob/v1.28.3/cmd/executor/cmd/root.go */
export const FLAGS: readonly Flag[] = [
  { name: "dockerfile", kind: "value", short: "f", buildkit: maps },
  { name: "context", kind: "value", short: "c", buildkit: maps },
  { name: "context-sub-path", kind: "value", buildkit: maps },
  { name: "destination", kind: "list", short: "d", buildkit: maps },
  { name: "build-arg", kind: "list", buildkit: maps },
  { name: "label", kind: "list", buildkit: maps },
  { name: "annotation", kind: "list", buildkit: maps },
  { name: "target", kind: "list", buildkit: maps },
  { name: "custom-platform", kind: "value", formerly: "customPlatform", buildkit: maps },
  { name: "secret", kind: "list", buildkit: maps },
  { name: "no-push", kind: "switch", buildkit: maps },
  { name: "tar-path", kind: "value", formerly: "tarPath", path: true, buildkit: maps },
  { name: "oci-layout-path", kind: "value", path: true, buildkit: maps },
  { name: "digest-file", kind: "value", path: true, buildkit: maps },
  { name: "image-name-with-digest-file", kind: "value", path: true, buildkit: maps },
  { name: "image-name-tag-with-digest-file", kind: "value", path: true, buildkit: maps },
  { name: "cache", kind: "switch", buildkit: maps },
  { name: "cache-repo", kind: "value", buildkit: maps },
  { name: "no-push-cache", kind: "switch", buildkit: maps },
  { name: "compression", kind: "value", buildkit: maps },
  { name: "compression-level", kind: "value", buildkit: maps },
  { name: "image-format", kind: "value", buildkit: maps },
  { name: "reproducible", kind: "switch", buildkit: maps },
  { name: "insecure", kind: "switch", buildkit: maps },
  { name: "skip-tls-verify", kind: "switch", buildkit: maps },
  { name: "verbosity", kind: "value", short: "v", buildkit: maps },

  { name: "cache-copy-layers", kind: "switch", buildkit: idle },
  { name: "cache-run-layers", kind: "switch", buildkit: idle },
  { name: "cache-dir", kind: "value", path: true, buildkit: idle },
  { name: "cache-ttl", kind: "value", buildkit: idle },
  { name: "compressed-caching", kind: "switch", buildkit: idle },
  { name: "log-format", kind: "value", buildkit: idle },
  { name: "log-timestamp", kind: "switch", buildkit: idle },
  { name: "force", kind: "switch", buildkit: idle },
  { name: "cleanup", kind: "switch", buildkit: idle },
  { name: "pre-cleanup", kind: "switch", buildkit: idle },
  { name: "preserve-context", kind: "switch", buildkit: idle },
  { name: "materialize", kind: "switch", buildkit: idle },
  { name: "kaniko-dir", kind: "value", path: true, buildkit: idle },
  { name: "image-fs-extract-retry", kind: "value", buildkit: idle },
  { name: "image-download-retry", kind: "value", buildkit: idle },
  { name: "push-retry", kind: "value", buildkit: idle },
  { name: "skip-push-permission-check", kind: "switch", buildkit: idle },
  { name: "single-snapshot", kind: "switch", buildkit: idle },
  { name: "snapshot-mode", kind: "value", formerly: "snapshotMode", buildkit: idle },
  { name: "use-new-run", kind: "switch", buildkit: idle },
  { name: "ignore-var-run", kind: "switch", formerly: "whitelist-var-run", buildkit: idle },
  { name: "skip-unused-stages", kind: "switch", buildkit: idle },
  { name: "force-build-metadata", kind: "switch", buildkit: idle },

  { name: "bucket", kind: "value", short: "b", buildkit: NO_CHECKOUT },
  { name: "git", kind: "list", buildkit: NO_CHECKOUT },
  { name: "dryrun", kind: "switch", buildkit: refused("BuildKit has no plan to show; leave it out") },
  {
    name: "ignore-path",
    kind: "list",
    buildkit: refused("BuildKit leaves nothing out of a layer; remove the path in the Dockerfile"),
  },
  {
    name: "push-ignore-immutable-tag-errors",
    kind: "switch",
    buildkit: refused("BuildKit fails when a tag may not be overwritten; push another tag"),
  },
  {
    name: "credential-helpers",
    kind: "list",
    buildkit: refused("buildctl takes helpers from credHelpers of config.json; name them there"),
  },
  { name: "insecure-pull", kind: "switch", buildkit: IN_BUILDKITD_TOML },
  { name: "skip-tls-verify-pull", kind: "switch", buildkit: IN_BUILDKITD_TOML },
  { name: "insecure-registry", kind: "list", buildkit: IN_BUILDKITD_TOML },
  { name: "skip-tls-verify-registry", kind: "list", buildkit: IN_BUILDKITD_TOML },
  { name: "registry-certificate", kind: "list", buildkit: IN_BUILDKITD_TOML },
  { name: "registry-client-cert", kind: "list", buildkit: IN_BUILDKITD_TOML },
  { name: "registry-map", kind: "list", buildkit: IN_BUILDKITD_TOML },
  { name: "registry-mirror", kind: "list", buildkit: IN_BUILDKITD_TOML },
  { name: "skip-default-registry-fallback", kind: "switch", buildkit: IN_BUILDKITD_TOML },
];
