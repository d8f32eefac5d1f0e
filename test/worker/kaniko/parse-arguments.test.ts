// kaniko's command line as Go's pflag reads it.
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { executorArguments } from "../../../worker/kaniko/executor-arguments.ts";
import { FLAGS } from "../../../worker/kaniko/flags.ts";
import { fullName, repositoryOf, tagOf } from "../../../worker/kaniko/image-name.ts";
import { type Options, parseArguments, withEnvironment } from "../../../worker/kaniko/parse-arguments.ts";

function optionsOf(...args: string[]): Options {
  const parsed = parseArguments(args);
  if (!parsed.ok) throw new Error(parsed.fault);
  return parsed.options;
}

const READ: readonly (readonly [args: string[], name: string, values: string[]])[] = [
  [["--dockerfile=./Dockerfile"], "dockerfile", ["./Dockerfile"]],
  [["--dockerfile", "./Dockerfile"], "dockerfile", ["./Dockerfile"]],
  [["-f", "a"], "dockerfile", ["a"]],
  [["-fa"], "dockerfile", ["a"]],
  [["-f=a"], "dockerfile", ["a"]],
  [["--context=a", "--context=b"], "context", ["b"]],
  [["-d", "a", "--destination=b", "-d=c"], "destination", ["a", "b", "c"]],
  [["--build-arg=A=b=c"], "build-arg", ["A=b=c"]],
  [["--label", "--weird"], "label", ["--weird"]],
  [["--cache"], "cache", ["true"]],
  [["--cache=True"], "cache", ["true"]],
  [["--cache=0"], "cache", ["false"]],
  [["--cache=true", "--cache=false"], "cache", ["false"]],
  [["--snapshotMode=redo"], "snapshot-mode", ["redo"]],
  [["--whitelist-var-run=false"], "ignore-var-run", ["false"]],
];
test.each(READ)("%j: %s is %j", (args, name, values) => {
  expect(optionsOf(...args).get(name)).toEqual(values);
});

const FAULTS: readonly (readonly [args: string[], named: string])[] = [
  [["--cahce=true"], "--cahce"],
  [["-x"], "-x"],
  [["--cache=yes"], "--cache"],
  [["--destination"], "--destination"],
  [["--cache", "true"], '"true"'],
  [["."], '"."'],
];
test.each(FAULTS)("%j is a fault that names %s", (args, named) => {
  expect(parseArguments(args)).toEqual({ ok: false, fault: expect.stringContaining(named) });
});

describe("the environment's defaults", () => {
  test("are the executor's own", () => {
    const env = { KANIKO_NO_PUSH: "1", KANIKO_REGISTRY_MIRROR: "mirror:5000", KANIKO_REGISTRY_MAP: "a=b" };
    const options = withEnvironment(optionsOf("--destination=a"), env);
    expect(options.get("no-push")).toEqual(["true"]);
    expect(options.get("registry-mirror")).toEqual(["mirror:5000"]);
    expect(options.get("registry-map")).toEqual(["a=b"]);
    expect(options.get("destination")).toEqual(["a"]);
  });
});

it("what the executor is given means the same as what was typed", () => {
  const flag = fc.constantFrom(
    ...FLAGS.filter(({ name }) => !["context", "dockerfile", "bucket"].includes(name)),
  );
  const given = fc
    .tuple(flag, fc.string({ minLength: 1 }), fc.boolean())
    .map(([{ name, kind }, text, on]) => (kind === "switch" ? `--${name}=${on}` : `--${name}=${text}`));
  fc.assert(
    fc.property(fc.array(given), (args) => {
      const options = optionsOf(...args);
      const again = new Map(
        optionsOf(...executorArguments(options, { type: "folder", folder: "/s", dockerfile: "/d" })),
      );
      expect(again.get("context")).toEqual(["dir:///s"]);
      expect(again.get("dockerfile")).toEqual(["/d"]);
      again.delete("context");
      again.delete("dockerfile");
      expect(Object.fromEntries(again)).toEqual(Object.fromEntries(options));
    }),
  );
});

test("names of images", () => {
  expect(fullName("acme/app")).toBe("docker.io/acme/app");
  expect(fullName("registry.acme/app")).toBe("registry.acme/app");
  expect(repositoryOf("r:5000/app:1@sha256:ab")).toBe("r:5000/app");
  expect(repositoryOf("r:5000/app")).toBe("r:5000/app");
  expect(tagOf("r:5000/app:1")).toBe("1");
  expect(tagOf("r:5000/app")).toBe("latest");
});
