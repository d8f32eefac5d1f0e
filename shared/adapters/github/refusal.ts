// A call that GitHub refused, as data: what was asked, what was answered.
import type { EpochMs } from "../../domain/ids.ts";
import type { Headers } from "./budget.ts";
import type { Credential } from "./credential.ts";

/** A call in words: GitHub refused to `purpose` for `target`. */
export type CallWords = {
  /** "create a registration token" */
  readonly purpose: string;
  /** "organization acme", "repository acme/app" */
  readonly target: string;
  /** The App permission it needs, as GitHub's settings page names it. */
  readonly permission: string;
};

export type Refusal = {
  readonly as: Credential;
  readonly status: number;
  readonly headers: Headers;
  /** GitHub's own text. */
  readonly text: string;
};

export type FaultContext = { readonly call: CallWords; readonly appId: string; readonly now: EpochMs };
