// The files in which kaniko says what it pushed, for a builder that does not write them.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fullName, repositoryOf, tagOf } from "./image-name.ts";
import { type Options, textOf } from "./parse-arguments.ts";

export async function writeDigests(options: Options, digest: string): Promise<void> {
  for (const [path, text] of digestFiles(options, digest)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

/** Path and content, as the executor writes them: the digest bare, names a line each. */
function digestFiles(options: Options, digest: string): (readonly [path: string, text: string])[] {
  const names = (options.get("destination") ?? []).map(registryName);
  const lines = (form: (name: string) => string) => names.map((name) => `${form(name)}@${digest}\n`).join("");
  const files = [
    [textOf(options, "digest-file"), digest],
    [textOf(options, "image-name-with-digest-file"), lines(repositoryOf)],
    [
      textOf(options, "image-name-tag-with-digest-file"),
      lines((name) => `${repositoryOf(name)}:${tagOf(name)}`),
    ],
  ] as const;
  return files.flatMap(([path, text]) => (path === undefined ? [] : [[path, text] as const]));
}

/** The executor's library writes Docker Hub's name in full. */
function registryName(destination: string): string {
  return fullName(destination).replace(/^docker\.io\//, "index.docker.io/");
}
