/** What became of one POST to a callback URL. */
export type CallbackOutcome =
  | { readonly type: "delivered" }
  /** A sentence for people: the status it answered with, or why it was not asked. */
  | { readonly type: "failed"; readonly message: string };

export type CallbackSender = {
  /** Why this URL can never be called, told to whoever sends it; undefined: it may be. Looks no name up. */
  refusal(url: string): string | undefined;
  /** One POST of JSON text, signed; answers within 10 s and never throws for what the receiver does. */
  send(url: string, body: string): Promise<CallbackOutcome>;
};
