// Reads the log of the App's hook deliveries, and asks GitHub to deliver one again.
import * as z from "zod/mini";
import type { Github, HookDelivery } from "../../../ports/github.ts";
import type { Headers } from "../budget.ts";
import type { Call, Send } from "../send.ts";
import { time } from "../workflow-job.ts";

const PER_PAGE = 100;
const WORDS = { target: "the App's webhook", permission: "none beyond the App's key" };

/** Signed as the App: the log is the App's, over all its installations. */
export function createDeliveriesCalls({
  send,
}: {
  readonly send: Send;
}): Pick<Github, "deliveries" | "redeliver"> {
  return {
    async deliveries(cursor) {
      let headers: Headers = {};
      const call: Call = {
        ...WORDS,
        route: "GET /app/hook/deliveries",
        parameters: { per_page: PER_PAGE, ...(cursor !== undefined && { cursor }) },
        purpose: "list hook deliveries",
        onHeaders: (answered) => {
          headers = answered;
        },
      };
      const deliveries = (await send("app", call, z.array(deliveryJson))).map(toDelivery);
      return { deliveries, next: nextCursor(headers["link"]) };
    },
    async redeliver(id) {
      const call: Call = {
        ...WORDS,
        route: "POST /app/hook/deliveries/{delivery_id}/attempts",
        parameters: { delivery_id: id },
        purpose: `redeliver hook delivery ${id}`,
        class: "check",
      };
      await send("app", call, z.unknown());
    },
  };
}

/** @octokit/request answers integers beyond 2^53 as bigint, smaller ones as number. */
const int64 = z.pipe(
  z.union([z.int(), z.bigint()]),
  z.transform((id) => String(id)),
);

const deliveryJson = z.object({
  id: int64,
  guid: z.string(),
  delivered_at: time,
  status: z.string(),
  status_code: z.number(),
  event: z.string(),
  action: z.nullish(z.string()),
});

function toDelivery(json: z.infer<typeof deliveryJson>): HookDelivery {
  return {
    id: json.id,
    guid: json.guid,
    deliveredAt: json.delivered_at,
    ok: isOk(json),
    event: json.event,
    action: json.action ?? undefined,
  };
}

/** The text is `OK` for 200; what it is for other 2xx is not documented, so the code counts too. */
function isOk({ status, status_code: code }: { status: string; status_code: number }): boolean {
  return status === "OK" || (code >= 200 && code < 300);
}

/** `<https://…/app/hook/deliveries?per_page=100&cursor=v1_…>; rel="next"` */
function nextCursor(link: string | number | undefined): string | undefined {
  const url = /<([^>]*)>;\s*rel="?next"?/.exec(String(link ?? ""))?.[1];
  if (url === undefined) return undefined;
  return new URL(url).searchParams.get("cursor") ?? undefined;
}
