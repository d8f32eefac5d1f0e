// A desk with the limits that dispatch.yaml has by itself, and bodies as one hands them on.
import { createHash } from "node:crypto";
import type { Desk } from "../../functions/http/body/desk.ts";
import { createDesk } from "../../functions/http/body/desk.ts";
import type { Limits } from "../../shared/config/limits.ts";
import { limitsSchema } from "../../shared/config/limits.ts";
import type { JsonShape } from "../../shared/domain/scan-json.ts";
import { scanJson } from "../../shared/domain/scan-json.ts";

export const LIMITS: Limits = limitsSchema.parse({});

export function aDesk(limits: Partial<Limits> = {}): Desk {
  return createDesk({ limits: { ...LIMITS, ...limits }, tenants: [] });
}

/** `text` must be JSON within the limits: nothing else gets past the desk. */
export function aBody(text: string): { bytes: Uint8Array; shape: JsonShape; hash: string } {
  const bytes = Buffer.from(text);
  const shape = scanJson(bytes, LIMITS.body);
  if (shape.type !== "json") throw new Error(`${JSON.stringify(shape)}: ${text.slice(0, 50)}`);
  return { bytes, shape, hash: createHash("sha256").update(bytes).digest("hex") };
}
