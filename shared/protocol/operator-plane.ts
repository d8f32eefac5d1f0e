// The operator plane as zod schemas: orders as they are parsed, answers as they are sent.
import * as z from "zod/mini";

/** Names of dispatch.yaml, logins and ids; a pattern's may hold `{npus}`. */
const name = z.string().check(z.regex(/^[A-Za-z0-9._{}-]{1,100}$/));
/** One line: it goes into the log and to whoever waits. */
const reason = z.string().check(z.regex(/^[^\p{Cc}]{1,200}$/u), z.regex(/[\p{L}\p{N}]/u));

export const pauseOrder = z.union([
  z.strictObject({ pool: name, reason }),
  z.strictObject({ endpoint: name, reason }),
  z.strictObject({ tenant: name, reason }),
]);

export const cardOrder = z.strictObject({
  pool: name,
  card: z.union([z.string().check(z.regex(/^[\w./:-]{1,100}$/)), z.int().check(z.minimum(0))]),
  action: z.enum(["add", "lift"]),
  reason,
});

/** GitHub's logins; an enterprise's managed users have an underscore. */
const login = z.string().check(z.regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?$/));

export const keyOrder = z.strictObject({
  tenant: login,
  name: z.string().check(z.regex(/^[\w .@/:-]{1,60}$/)),
  ownerId: z.optional(z.int().check(z.minimum(1))),
});

/** Digits of the key's hash, as `GET /admin/keys` shows them, or all 64: never the key. */
export const revokeOrder = z.strictObject({
  key: z.string().check(z.regex(/^[0-9a-f]{12,64}$/)),
  reason,
});

/** Of every order that was carried out. */
export const orderAnswer = z.object({ message: z.string() });

/** `key`: shown this once. */
export const newKeyAnswer = z.object({ message: z.string(), key: z.string() });

const at = z.number();

export const keysAnswer = z.object({
  keys: z.array(
    z.object({
      id: z.string(),
      tenant: z.string(),
      login: z.string(),
      name: z.string(),
      /** 0 for one of dispatch.yaml. */
      createdAt: at,
      from: z.enum(["store", "dispatch.yaml"]),
      revoked: z.optional(z.object({ at, reason: z.string(), by: z.string() })),
    }),
  ),
  /** There are older ones. */
  more: z.boolean(),
});
export type KeysAnswer = z.infer<typeof keysAnswer>;

export const stateAnswer = z.object({
  pauses: z.array(
    z.object({
      kind: z.enum(["pool", "tenant", "endpoint"]),
      name: z.string(),
      mode: z.enum(["pause", "drain"]),
      reason: z.string(),
      at,
      by: z.string(),
    }),
  ),
  pools: z.array(
    z.object({
      name: z.string(),
      counted: z.boolean(),
      total: z.int(),
      used: z.int(),
      free: z.int(),
      unavailable: z.optional(z.object({ until: at, why: z.string() })),
      workers: z.record(z.string(), z.int()),
      tenants: z.array(
        z.object({
          tenant: z.string(),
          login: z.string(),
          cards: z.int(),
          workers: z.int(),
          waiting: z.int(),
          more: z.boolean(),
        }),
      ),
      cards: z.array(
        z.object({
          card: z.string(),
          strikes: z.int(),
          lastAt: at,
          reason: z.string(),
          quarantine: z.enum(["none", "timed", "by-hand"]),
          until: z.optional(at),
        }),
      ),
    }),
  ),
});
export type StateAnswer = z.infer<typeof stateAnswer>;
