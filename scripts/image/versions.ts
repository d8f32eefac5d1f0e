// The one place that says which versions are in the worker image, and their SHA-256: worker/image/versions.json.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

export type ArchiveArch = "x64" | "arm64";
export type Variant = "npu" | "gpu" | "cpu";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const archive = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  sha256: z.strictObject({ x64: sha256, arm64: sha256 }),
});
const schema = z.strictObject({
  runner: archive,
  node: archive,
  buildkit: archive,
  kaniko: z.strictObject({ version: z.string() }),
  base: z.strictObject({ npu: z.string(), gpu: z.string(), cpu: z.string() }),
});

export type Versions = z.infer<typeof schema>;

/** @param root the repository's folder. Throws with all faults of the file. */
export async function readVersions(root: string): Promise<Versions> {
  const file = join(root, "worker", "image", "versions.json");
  const parsed = schema.safeParse(JSON.parse(await readFile(file, "utf8")));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} is wrong: ${z.prettifyError(parsed.error)}`);
}
