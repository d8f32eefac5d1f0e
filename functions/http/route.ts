// What the reference says of one route, as data.
import type * as z from "zod/mini";
import { clientPlaneError } from "../../shared/protocol/client-plane.ts";

/** `server`: GitHub's deliveries, and what needs no credential. */
export type Plane = "client" | "worker" | "operator" | "server";
export type Named = { readonly name: string; readonly schema: z.core.$ZodType };
export type QueryParameter = {
  readonly name: string;
  readonly description: string;
} & (
  | { readonly schema: unknown }
  /** JSON in one parameter. */
  | { readonly content: Named }
);
type Refusal = keyof typeof REFUSALS;

export type ApiRoute = {
  readonly plane: Plane;
  readonly methods: readonly ("GET" | "POST")[];
  readonly path: string;
  readonly summary: string;
  readonly query?: readonly QueryParameter[];
  readonly headers?: readonly QueryParameter[];
  readonly body?: Named;
  readonly answer?: Named;
  /** What 202 has in it, where it may come. */
  readonly accepted?: Named;
  /** What 204 means, where it may come. */
  readonly nothing?: string;
  readonly refusals: readonly Refusal[];
};

export const REFUSALS = {
  400: "The request is not one; detail names what is wrong",
  401: "No credential, or none that is known here",
  403: "A credential that may not do this",
  404: "No such endpoint or job, or not yours, or expired",
  405: "Another method is needed; Allow names it",
  408: "The body did not come to its end in time",
  409: "It cannot be done in this state",
  413: "The body is too large; detail names the limit",
  429: "Too many requests, or nothing to do here now: wait for Retry-After",
  503: "It could not be carried out; the same call may be sent again after Retry-After",
} as const;

/** The body of each of them. */
export const REFUSAL: Named = { name: "Refusal", schema: clientPlaneError };
