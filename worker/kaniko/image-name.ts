// Names of images: registry, repository, tag. Pure.

/** With the registry that is meant where none is written, as docker reads it. */
export function fullName(name: string): string {
  const [first = "", ...rest] = name.split("/");
  if (first === "index.docker.io") return ["docker.io", ...rest].join("/");
  const isRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  if (isRegistry) return name;
  return rest.length === 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}

/** Without tag and digest. */
export function repositoryOf(name: string): string {
  const [bare = ""] = name.split("@");
  const colon = bare.lastIndexOf(":");
  return colon > bare.lastIndexOf("/") ? bare.slice(0, colon) : bare;
}

/** `latest` where none is written. */
export function tagOf(name: string): string {
  const [bare = ""] = name.split("@");
  return bare.slice(repositoryOf(name).length + 1) || "latest";
}
