// The configuration as plain JSON for packaging: the webhook function reads it without zod and yaml.
import type { Config } from "./config.ts";

/** Raised when `Config` changes, so that an old package is not read as a new one. */
const FORMAT = 3;

export type PackedConfig = { readonly format: typeof FORMAT; readonly config: Config };

export function toPacked(config: Config): PackedConfig {
  return { format: FORMAT, config };
}

/** Takes what `toPacked` gave, parsed back from JSON. Checked when it was packed, so only the format is looked at. */
export function fromPacked(json: unknown): Config {
  const { format, config } = (json ?? {}) as Partial<PackedConfig>;
  if (format !== FORMAT || config === undefined) {
    throw new Error(
      `The packed configuration has format ${String(format)}, this version reads ${FORMAT}. Package again.`,
    );
  }
  return config;
}
