// Programs of this machine's pools lie beside dispatch.yaml: `./handler.py` is a path from its folder.
import { resolve } from "node:path";
import type { Config } from "../../shared/config/config.ts";

/** In a container the same text is a path of the image, and stays. */
export function withCommandsFrom(dir: string, config: Config): Config {
  const local = new Set(config.pools.flatMap(({ name, driver }) => (driver === "local" ? [name] : [])));
  const placed = <T extends Placed>(endpoint: T): T =>
    endpoint.command !== undefined && local.has(endpoint.pool)
      ? { ...endpoint, command: endpoint.command.map((part) => fromDir(dir, part)) }
      : endpoint;
  return { ...config, templates: config.templates.map(placed), endpoints: config.endpoints.map(placed) };
}

type Placed = Pick<Config["templates"][number], "pool" | "command">;

function fromDir(dir: string, part: string): string {
  return /^\.\.?\//.test(part) ? resolve(dir, part) : part;
}
