// kaniko's flags in buildctl's words, one by one; and every flag that there is.
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { buildkitArguments } from "../../../worker/kaniko/buildkit-arguments.ts";
import { FLAGS, type Flag } from "../../../worker/kaniko/flags.ts";
import type { Sources } from "../../../worker/kaniko/locate-build.ts";
import { parseArguments } from "../../../worker/kaniko/parse-arguments.ts";

const SOURCES: Sources = { type: "folder", folder: "/src", dockerfile: "/src/docker/Dockerfile.npu" };
const TO = "--destination=ghcr.io/acme/app:1";

function plan(args: readonly string[], sources: Sources = SOURCES) {
  const parsed = parseArguments(args);
  if (!parsed.ok) throw new Error(parsed.fault);
  return buildkitArguments(parsed.options, sources);
}

function argsOf(args: readonly string[]): readonly string[] {
  const made = plan(args);
  if (!made.ok) throw new Error(made.fault);
  return made.args;
}

test("the seed's call", () => {
  const args = [
    "--dockerfile=./docker/Dockerfile.npu",
    "--context=.",
    "--destination=docker.io/username/image:tag",
    "--cache=true",
    "--cache-repo=docker.io/username/cache",
  ];
  expect(argsOf(args)).toEqual([
    "build",
    "--progress=plain",
    "--frontend=dockerfile.v0",
    "--local=context=/src",
    "--local=dockerfile=/src/docker",
    "--opt=filename=Dockerfile.npu",
    "--import-cache=type=registry,ref=docker.io/username/cache:buildkit-cache",
    "--export-cache=type=registry,ref=docker.io/username/cache:buildkit-cache,mode=max,ignore-error=true",
    "--output=type=image,name=docker.io/username/image:tag,push=true",
  ]);
});

const CASES: readonly (readonly [title: string, args: readonly string[], expected: string])[] = [
  [
    "several destinations are one output",
    [TO, "-d", "acme/app"],
    '--output=type=image,"name=ghcr.io/acme/app:1,docker.io/acme/app",push=true',
  ],
  [
    "Docker Hub's own images",
    ["-d=index.docker.io/ubuntu"],
    "--output=type=image,name=docker.io/ubuntu,push=true",
  ],
  ["a name alone", ["-dapp"], "--output=type=image,name=docker.io/library/app,push=true"],
  [
    "a registry with a port",
    ["-d", "localhost:5000/app"],
    "--output=type=image,name=localhost:5000/app,push=true",
  ],
  ["build arguments", [TO, "--build-arg", "A=b=c, d"], "--opt=build-arg:A=b=c, d"],
  [
    "metadata labels",
    [TO, "--label=org.opencontainers.image.revision=7f3c"],
    "--opt=label:org.opencontainers.image.revision=7f3c",
  ],
  [
    "annotations",
    [TO, '--annotation=title=a, "b"'],
    '--output=type=image,name=ghcr.io/acme/app:1,push=true,"annotation.title=a, ""b"""',
  ],
  ["a stage", [TO, "--target=runtime"], "--opt=target=runtime"],
  ["a platform", [TO, "--custom-platform=linux/arm64"], "--opt=platform=linux/arm64"],
  ["a platform by its former name", [TO, "--customPlatform=linux/arm64"], "--opt=platform=linux/arm64"],
  ["a secret", [TO, "--secret=id=npmrc,src=/w/.npmrc"], "--secret=id=npmrc,src=/w/.npmrc"],
  ["no cache: nothing of the daemon's either", [TO], "--no-cache"],
  [
    "a cache repository that is not named",
    [TO, "--cache"],
    "--import-cache=type=registry,ref=ghcr.io/acme/app/cache:buildkit-cache",
  ],
  ["a cache in a folder", [TO, "--cache", "--cache-repo=oci:/cache"], "--import-cache=type=local,src=/cache"],
  [
    "a tarball",
    [TO, "--no-push", "--tarPath=/w/image.tar"],
    "--output=type=docker,name=ghcr.io/acme/app:1,dest=/w/image.tar",
  ],
  ["an OCI layout", ["--no-push", "--oci-layout-path=/w/oci"], "--output=type=oci,dest=/w/oci,tar=false"],
  ["a digest without a push", ["--no-push", "--digest-file=/w/digest"], "--output=type=image"],
  [
    "compression",
    [TO, "--compression=zstd", "--compression-level=9"],
    "--output=type=image,name=ghcr.io/acme/app:1,push=true,compression=zstd,force-compression=true,compression-level=9",
  ],
  [
    "media types",
    [TO, "--image-format=oci"],
    "--output=type=image,name=ghcr.io/acme/app:1,push=true,oci-mediatypes=true",
  ],
  [
    "a reproducible image",
    [TO, "--reproducible"],
    "--output=type=image,name=ghcr.io/acme/app:1,push=true,rewrite-timestamp=true",
  ],
  [
    "a registry without TLS",
    [TO, "--insecure"],
    "--output=type=image,name=ghcr.io/acme/app:1,push=true,registry.insecure=true",
  ],
  [
    "a registry with a certificate of its own, its cache too",
    [TO, "--skip-tls-verify=true", "--cache=1", "--cache-repo=r:5000/c"],
    "--import-cache=type=registry,ref=r:5000/c:buildkit-cache,registry.insecure=true",
  ],
];

test.each(CASES)("%s", (_title, args, expected) => {
  expect(argsOf(args)).toContain(expected);
});

it("does not push a cache that it may only read", () => {
  expect(argsOf([TO, "--cache", "--no-push-cache"]).join("\n")).not.toContain("--export-cache");
});

it("pushes nothing with --no-push", () => {
  expect(argsOf([TO, "--no-push"]).filter((arg) => arg.startsWith("--output"))).toEqual([]);
});

it("passes the debug log on", () => {
  expect(plan([TO, "--verbosity=debug"])).toMatchObject({ debug: true });
  expect(plan([TO, "-v", "info"])).toMatchObject({ debug: false });
});

const FAULTS: readonly (readonly [args: readonly string[], named: string])[] = [
  [[], "--destination"],
  [[TO, "--target=a,b"], "--target"],
  [["--no-push", "--cache"], "--cache-repo"],
  [[TO, "--digest-file=https://s3/put"], "--digest-file"],
];
test.each(FAULTS)("%j is refused by a sentence that names %s", (args, named) => {
  expect(plan(args)).toEqual({ ok: false, fault: expect.stringContaining(named) });
});

describe("sources that only kaniko can fetch", () => {
  it("are refused with what to do instead", () => {
    const git = plan([TO], {
      type: "remote",
      context: "git://github.com/acme/app.git",
      dockerfile: undefined,
    });
    expect(git).toEqual({ ok: false, fault: expect.stringMatching(/--context=git:.*check the sources out/) });
    const url = plan([TO], { type: "folder", folder: "/src", dockerfile: "https://acme/Dockerfile" });
    expect(url).toEqual({ ok: false, fault: expect.stringMatching(/--dockerfile=https:.*download it/) });
  });
});

describe("every flag of kaniko's", () => {
  test.each(FLAGS.map((flag) => [flag.name, flag] as const))(
    "--%s maps, is named as idle, or is refused",
    (name, flag) => {
      const { type } = flag.buildkit;
      const given = name === "cache" ? [TO] : [TO, "--cache"];
      const made = plan([...given, ...sample(flag)]);
      if (type === "refused")
        expect(made).toEqual({ ok: false, fault: expect.stringContaining(`--${name} `) });
      else expect(made).toMatchObject({ ok: true, idle: type === "idle" ? [name] : [] });
      // Those three are in Sources already.
      if (type !== "maps" || ["context", "context-sub-path", "dockerfile"].includes(name)) return;
      expect(made).not.toEqual(plan(given));
    },
  );

  it("no set of them is lost silently: each ends in an argument, in the idle list, or in a refusal that names one", () => {
    const some = fc.subarray([...FLAGS], { minLength: 1 });
    fc.assert(
      fc.property(some, (flags) => {
        const made = plan([TO, ...flags.flatMap(sample)]);
        const refused = flags.filter(({ buildkit }) => buildkit.type === "refused");
        if (!made.ok) return flags.some(({ name }) => made.fault.includes(`--${name}`));
        const idle = flags.filter(({ buildkit }) => buildkit.type === "idle").map(({ name }) => name);
        return refused.length === 0 && idle.every((name) => made.idle.includes(name));
      }),
    );
  });
});

function sample({ name, kind }: Flag): string[] {
  const values: { readonly [name: string]: string } = {
    target: "runtime",
    verbosity: "debug",
    label: "a=b",
    "build-arg": "A=b",
  };
  return [kind === "switch" ? `--${name}` : `--${name}=${values[name] ?? "a"}`];
}
