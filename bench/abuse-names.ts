// Who takes part in the abuse bench.
export const ENDPOINT = "program";
export const WEBHOOK_SECRET = "webhook-secret-of-the-abuse-bench";
export const ABUSER = { owner: "mallory", ownerId: 666, key: `npud_${"m".repeat(40)}` };
export const VICTIM = { owner: "acme", ownerId: 4711, key: `npud_${"a".repeat(40)}` };
