// deploy/dispatcher: what its Dockerfile copies is there and let in, and its last stage runs nothing.
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./image-under-test.ts";

const FOLDER = join(ROOT, "deploy", "dispatcher");
const text = await readFile(join(FOLDER, "Dockerfile"), "utf8");
const steps = text
  .replaceAll(/\\\n\s*/g, " ")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
const last = steps.slice(steps.findLastIndex((step) => step.startsWith("FROM ")));

test("copies from the work tree only what is there, and its ignore file lets in that and nothing else", async () => {
  const ignore = (await readFile(join(FOLDER, "Dockerfile.dockerignore"), "utf8")).split("\n");
  const sources = steps
    .filter((step) => step.startsWith("COPY ") && !step.includes("--from="))
    .flatMap((step) => step.split(/\s+/).slice(1, -1))
    .map((source) => source.replace(/\/$/, ""));
  for (const source of sources) await access(join(ROOT, source));
  const letIn = ignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  expect(new Set(letIn)).toEqual(new Set(sources));
});

test("each base is the one argument, which has a standard of the Node that runs the tests", () => {
  expect(steps.filter((step) => step.startsWith("FROM "))).toEqual([
    `FROM --platform=\${BUILDPLATFORM} \${BASE_IMAGE} AS packages`,
    `FROM \${BASE_IMAGE} AS dispatcher`,
  ]);
  const [major] = process.versions.node.split(".");
  expect(steps[0]).toBe(`ARG BASE_IMAGE=node:${major}-bookworm-slim`);
});

test("its last stage runs no program, so that it is built for any architecture", () => {
  expect(last.filter((step) => /^(RUN|ADD|SHELL|HEALTHCHECK) /.test(step))).toEqual([]);
  expect(text).not.toMatch(/^# syntax=/m);
});

test("packages come by the lock file, run no script, and are those of production", () => {
  const [install = "", ...others] = steps.filter((step) => step.startsWith("RUN "));
  expect(others).toEqual([]);
  expect(install).toMatch(/^RUN npm ci --ignore-scripts --omit dev --omit optional --registry /);
});

test("docs/deploy.md has every argument", async () => {
  const docs = await readFile(join(ROOT, "docs", "deploy.md"), "utf8");
  const args = steps.filter((step) => step.startsWith("ARG ")).map((step) => step.slice(4).split("=")[0]);
  // They say when and of what: nobody sets them by hand.
  const own = ["IMAGE_REVISION", "IMAGE_CREATED"];
  expect(args.filter((name = "") => !own.includes(name) && !docs.includes(`\`${name}\``))).toEqual([]);
});
