// The files of deploy/kubernetes and the objects in them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

export const ROOT = join(import.meta.dirname, "..", "..", "..", "deploy", "kubernetes");

type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** Of a Kustomization. */
  readonly resources?: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
  /** Of a ClusterRole. */
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
  readonly spec?: unknown;
};

/** Below `ROOT`. */
export const FILES: readonly string[] = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".yaml"),
);

/** All but the dispatcher's configuration. */
export const MANIFESTS: readonly { readonly name: string; readonly object: Manifest }[] = FILES.filter(
  (name) => !name.endsWith("/dispatch.yaml"),
).flatMap((name) =>
  parseAllDocuments(textOf(name)).map((document) => ({ name, object: document.toJS() as Manifest })),
);

/** What the API server gets. */
export const OBJECTS = MANIFESTS.filter(({ object }) => object.kind !== "Kustomization");

export function textOf(name: string): string {
  return readFileSync(join(ROOT, name), "utf8");
}
