/** What a workflow step's OIDC token says of its run, once verified. */
export type OidcIdentity = {
  readonly owner: { readonly id: number; readonly login: string };
  readonly repository: { readonly id: number; readonly name: string };
  readonly runId: number;
  readonly runAttempt: number;
  /** Names the token itself: one token starts one job. */
  readonly jti: string;
};

/** `refused`: a sentence for the user, without a word of the token. */
export type OidcVerdict =
  | { readonly type: "verified"; readonly identity: OidcIdentity }
  | { readonly type: "refused"; readonly reason: "expired" | "invalid"; readonly message: string };

/** Throws when the issuer's keys cannot be had: the token may be a good one. */
export type OidcVerifier = { verify(token: string): Promise<OidcVerdict> };
