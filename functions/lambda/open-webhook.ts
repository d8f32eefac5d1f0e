// The webhook function from its environment. Lean: the signed DynamoDB call, no SDK, no Hono, no zod, no yaml, no pool, no
// Octokit App login; each of them would be paid for in the time of the first delivery.
import { createDynamoStores } from "../../shared/adapters/dynamodb/dynamo-stores.ts";
import { createLeanTransport } from "../../shared/adapters/dynamodb/lean-transport.ts";
import { rateLimited } from "../../shared/adapters/log/rate-limited.ts";
import { createHeardClock } from "../../shared/adapters/system/heard-clock.ts";
import { systemRandom as random } from "../../shared/adapters/system/random.ts";
import { readWebhookSecrets } from "../../shared/config/secrets.ts";
import type { InstallationEvent, WorkflowJobWord } from "../../shared/domain/github-event.ts";
import { receiveDelivery } from "../../shared/usecases/intake/receive-delivery.ts";
import { receiveInstallation } from "../../shared/usecases/intake/receive-installation.ts";
import { createSignatureCheck } from "../http/webhook/signature.ts";
import { layFoundation } from "./foundation.ts";
import { hearCall } from "./hear-call.ts";
import type { Env } from "./settings.ts";
import { createDeliveryHandler, type DeliveryHandler } from "./take-delivery.ts";

const NEEDS = {
  names: ["GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_PREVIOUS"],
  read: readWebhookSecrets,
};

export async function openWebhook(env: Env, dir: string): Promise<DeliveryHandler> {
  const { settings, config, secrets, log } = await layFoundation(env, dir, NEEDS);
  const { region, credentials, endpoints, table } = settings;
  const clock = createHeardClock();
  const { call } = createLeanTransport({
    region,
    credentials,
    random,
    endpoint: endpoints.dynamodb,
    now: clock.now,
    onDate: clock.hearDate,
  });
  const stores = createDynamoStores({ call, table, clock });
  const { templates, tenants } = config;
  const deps = { catalogue: { templates, endpoints: config.endpoints }, tenants, stores, clock, log };
  const [current, previous] = secrets.webhookSecrets;
  if (current === undefined) throw new TypeError("readWebhookSecrets answers at least one secret");
  const delivery = {
    checkSignature: createSignatureCheck(current, previous),
    receiveDelivery: (word: WorkflowJobWord) => receiveDelivery(deps, word),
    receiveInstallation: (event: InstallationEvent) => receiveInstallation(deps, event),
    json: config.limits.body,
    log,
    rejectionLog: rateLimited(log, { clock }),
  };
  const take = createDeliveryHandler(delivery, { maxBytes: config.limits.maxDeliveryBytes });
  return (event) => {
    hearCall(clock, event.requestContext);
    return take(event);
  };
}
