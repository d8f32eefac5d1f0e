// Endpoints of the App itself: who it is, its installations and tokens, its deliveries, limits and addresses.

import type { AppAuth } from "../app-auth.ts";
import type { Deliveries, Delivery } from "../deliveries.ts";
import type { Limits } from "../limits.ts";
import type { OwnerRecord, Permissions } from "../records.ts";
import type { World } from "../world.ts";
import { type Answer, type Call, callerName, type Endpoint } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { example } from "./openapi.ts";
import { page } from "./paging.ts";
import { installationJson, iso } from "./views.ts";

type Deps = {
  readonly world: World;
  readonly appId: number;
  readonly auth: AppAuth;
  readonly limits: Limits;
  readonly deliveries: Deliveries;
  readonly webUrl: () => string;
};

export function appEndpoints(deps: Deps): Endpoint[] {
  const { auth, deliveries } = deps;
  const installationOf = (owner: OwnerRecord) => installationAnswer(deps, owner);
  return [
    { method: "GET", path: "/app", access: "app", handle: () => ({ status: 200, body: appJson(deps) }) },
    {
      method: "POST",
      path: "/app/installations/{installation_id}/access_tokens",
      access: "app",
      handle(call) {
        auth.refuseRepeated(call.headers.authorization);
        return mintToken(deps, call);
      },
    },
    {
      method: "GET",
      path: "/orgs/{org}/installation",
      access: "app",
      handle: ({ scope }) => installationOf(scope.owner),
    },
    {
      method: "GET",
      path: "/repos/{owner}/{repo}/installation",
      access: "app",
      handle: ({ scope }) => installationOf(scope.owner),
    },
    {
      method: "GET",
      path: "/users/{owner}/installation",
      schemaPath: "/orgs/{org}/installation",
      access: "app",
      handle: ({ scope }) => installationOf(scope.owner),
    },
    {
      method: "GET",
      path: "/app/hook/deliveries",
      access: "app",
      handle: (call) => listDeliveries(deps, call),
    },
    {
      method: "GET",
      path: "/app/hook/deliveries/{delivery_id}",
      access: "app",
      handle: ({ params }) => ({
        status: 200,
        body: deliveryJson(findDelivery(deliveries, params["delivery_id"])),
      }),
    },
    {
      method: "POST",
      path: "/app/hook/deliveries/{delivery_id}/attempts",
      access: "app",
      handle({ params }) {
        deliveries.redeliver(findDelivery(deliveries, params["delivery_id"]).id);
        return { status: 202, body: {} };
      },
    },
    { method: "GET", path: "/rate_limit", access: "any", handle: (call) => rateLimits(deps, call) },
    { method: "GET", path: "/meta", access: "any", handle: () => ({ status: 200, body: metaJson() }) },
  ];
}

function appJson({ appId, webUrl }: Deps) {
  const permissions = { metadata: "read", actions: "write", organization_self_hosted_runners: "write" };
  return {
    ...example("integration"),
    id: appId,
    slug: "npu-dispatch",
    name: "npu-dispatch",
    html_url: `${webUrl()}/apps/npu-dispatch`,
    permissions,
    events: ["workflow_job"],
  };
}

function installationAnswer({ appId, webUrl }: Deps, owner: OwnerRecord): Answer {
  if (owner.installation === undefined) throw new ApiError(404, "Not Found");
  return { status: 200, body: installationJson(owner.installation, appId, webUrl()) };
}

function mintToken({ world, auth }: Deps, { params, body }: Call): Answer {
  const installation = world.installation(Number(params["installation_id"]));
  if (installation === undefined) throw new ApiError(404, "Not Found");
  if (installation.suspendedAt !== undefined) throw new ApiError(403, "This installation has been suspended");
  const wanted = (body["permissions"] ?? installation.permissions) as Permissions;
  if (!Object.entries(wanted).every(([name, level]) => grants(installation.permissions[name], level)))
    throw new ApiError(422, "The permissions requested are not granted to this installation.");
  const { token, expiresAt } = auth.mint(installation, wanted);
  const repository_selection = body["repository_ids"] === undefined ? "all" : "selected";
  return {
    status: 201,
    body: { token, expires_at: iso(expiresAt), permissions: wanted, repository_selection },
  };
}

function grants(granted: string | undefined, wanted: string): boolean {
  return granted === "write" || granted === wanted;
}

function listDeliveries({ deliveries, webUrl }: Deps, { url }: Call): Answer {
  const { per_page } = page(url);
  const cursor = /^v1_(\d+)$/.exec(url.searchParams.get("cursor") ?? "")?.[1];
  const status = url.searchParams.get("status");
  const matching = deliveries
    .log()
    .filter((each) => cursor === undefined || BigInt(each.id) <= BigInt(cursor))
    .filter((each) => status === null || hasStatus(each, status));
  const next = matching[per_page];
  const link = `<${webUrl()}/app/hook/deliveries?per_page=${per_page}&cursor=v1_${next?.id}>; rel="next"`;
  return {
    status: 200,
    body: matching.slice(0, per_page).map(deliveryItemJson),
    headers: next === undefined ? {} : { link },
  };
}

/** As documented: success is 200 to 399, failure 400 to 599, so a delivery without an answer is neither. */
function hasStatus({ statusCode }: Delivery, status: string): boolean {
  const [least, greatest] = status === "success" ? [200, 399] : [400, 599];
  return statusCode >= least && statusCode <= greatest;
}

function findDelivery(deliveries: Deliveries, id: string | undefined): Delivery {
  const found = deliveries.log().find((each) => each.id === id);
  if (found === undefined) throw new ApiError(404, "Not Found");
  return found;
}

function deliveryItemJson(delivery: Delivery) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: new Date(delivery.deliveredAt).toISOString(),
    redelivery: delivery.redelivery,
    duration: Math.round(delivery.durationMs) / 1_000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}

function deliveryJson(delivery: Delivery) {
  return {
    ...deliveryItemJson(delivery),
    url: delivery.url,
    request: { headers: delivery.headers, payload: JSON.parse(delivery.body) as unknown },
    response: { headers: delivery.responseHeaders, payload: delivery.responseBody },
  };
}

function rateLimits({ limits }: Deps, { caller }: Call): Answer {
  const { resources } = example("rate-limit-overview") as { resources: Record<string, unknown> };
  const core = limits.state(caller === undefined ? "nobody" : callerName(caller));
  return { status: 200, body: { resources: { ...resources, core }, rate: core } };
}

function metaJson() {
  return { verifiable_password_authentication: false, hooks: ["127.0.0.1/32"], api: ["127.0.0.1/32"] };
}
