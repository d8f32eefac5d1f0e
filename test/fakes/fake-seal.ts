// Not a cipher: what was sealed for one item opens for that item only, and does not hold the secret in clear.
import type { Seal } from "../../shared/ports/seal.ts";

export function createFakeSeal(): Seal {
  return {
    seal: (item, secret) => Buffer.from(JSON.stringify({ item, secret })).toString("base64"),
    open(item, sealed) {
      const opened = JSON.parse(Buffer.from(sealed, "base64").toString("utf8")) as {
        item: string;
        secret: string;
      };
      return opened.item === item ? opened.secret : undefined;
    },
  };
}
