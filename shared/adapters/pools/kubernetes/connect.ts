// The official client, set up for one pool: whose credentials, how long a call may take, and connections that are kept.
import { Agent as HttpAgent } from "node:http";
import { type AgentOptions, Agent as HttpsAgent } from "node:https";
import {
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  KubeConfig,
  type RequestContext,
  ServerConfiguration,
} from "@kubernetes/client-node";
import { createKeptAgent, type KeptAgent } from "../../network/kept-agent.ts";
import { createEksToken } from "./eks-token.ts";
import type { ClusterAccess, KubernetesSettings } from "./settings.ts";

export type Apis = {
  readonly batch: BatchV1Api;
  readonly core: CoreV1Api;
  /** Objects of add-ons. */
  readonly custom: CustomObjectsApi;
  readonly server: string;
};

type Env = { readonly [name: string]: string | undefined };

/** Throws, with what to do, when the settings do not lead to a cluster. */
export function connect(
  settings: Pick<KubernetesSettings, "name" | "cluster" | "timeoutMs">,
  env: Env,
): Apis {
  const config = new KubeConfig();
  load(config, settings.name, settings.cluster, env);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new Error(
      `Pool ${settings.name} has no Kubernetes cluster: its kubeconfig has no current context. Set cluster.context.`,
    );
  }
  const agents = keptAgents();
  const { cluster: access } = settings;
  const token = access.auth === "eks" ? createEksToken(access, settings.name, env) : undefined;
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        async pre(request) {
          request.setSignal(AbortSignal.timeout(settings.timeoutMs));
          if (token !== undefined)
            request.setHeaderParam("Authorization", `Bearer ${await token(Date.now())}`);
          trimToken(request, settings.name);
          agents(request);
          return request;
        },
        // The log of a pod without a node is 204 without a Content-Type, which the client takes for a fault.
        async post(response) {
          if (response.httpStatusCode === 204) response.headers["content-type"] ??= "text/plain";
          return response;
        },
      },
    ],
  });
  return {
    batch: new BatchV1Api(configuration),
    core: new CoreV1Api(configuration),
    custom: new CustomObjectsApi(configuration),
    server,
  };
}

/**
 * A file or a variable often ends in a line break, which no header may carry. What the client says of such a header quotes
 * it whole.
 */
function trimToken(request: RequestContext, pool: string): void {
  const given: string | undefined = request.getHeaders()["Authorization"];
  if (given === undefined) return;
  const header = given.trim().replace(/^(\S+)\s+/, "$1 ");
  if (!/^[\x20-\x7e]+$/.test(header)) {
    throw new Error(
      `the token of pool ${pool} has a line break or a character that no header may carry; give the token alone`,
    );
  }
  request.setHeaderParam("Authorization", header);
}

function load(config: KubeConfig, pool: string, access: ClusterAccess, env: Env): void {
  if (access.auth === "in-cluster") loadInCluster(config, pool, env);
  else if (access.auth === "kubeconfig") loadKubeconfig(config, pool, access);
  else if (access.auth === "token") loadToken(config, pool, access, env);
  // Its token is set on every call.
  else loadServer(config, pool, access, {});
}

function loadInCluster(config: KubeConfig, pool: string, env: Env): void {
  if (env["KUBERNETES_SERVICE_HOST"] === undefined) {
    throw new Error(
      `Pool ${pool} uses the service account of the dispatcher's pod, but the dispatcher is in no pod. Set cluster.auth to kubeconfig or token.`,
    );
  }
  config.loadFromCluster();
}

function loadKubeconfig(
  config: KubeConfig,
  pool: string,
  { path, context }: Extract<ClusterAccess, { auth: "kubeconfig" }>,
): void {
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (cause) {
    throw new Error(`Pool ${pool}: the kubeconfig ${path ?? ""} cannot be read. Check cluster.path.`, {
      cause,
    });
  }
  if (context === undefined) return;
  if (config.getContextObject(context) === null) {
    throw new Error(`Pool ${pool}: the kubeconfig has no context "${context}". Check cluster.context.`);
  }
  config.setCurrentContext(context);
}

function loadToken(
  config: KubeConfig,
  pool: string,
  access: Extract<ClusterAccess, { auth: "token" }>,
  env: Env,
): void {
  const { tokenFile, tokenEnv } = access;
  const token = tokenEnv === undefined ? undefined : env[tokenEnv];
  if (tokenEnv !== undefined && !token) {
    throw new Error(`Pool ${pool}: the variable ${tokenEnv}, named by cluster.tokenEnv, is not set.`);
  }
  const user =
    tokenFile === undefined
      ? { ...(token !== undefined && { token }) }
      : { authProvider: { name: "tokenFile", config: { tokenFile } } };
  loadServer(config, pool, access, user);
}

function loadServer(
  config: KubeConfig,
  pool: string,
  { server, caFile, caData }: Extract<ClusterAccess, { auth: "token" | "eks" }>,
  user: object,
): void {
  // The client caches credentials by the user's name across all configurations of the process.
  const name = `npu-dispatch-${pool}`;
  const authority = { ...(caFile !== undefined && { caFile }), ...(caData !== undefined && { caData }) };
  config.loadFromClusterAndUser({ name, server, skipTLSVerify: false, ...authority }, { name, ...user });
}

/** Idle connections are closed before a load balancer drops them (AWS NLB: 350 s, Huawei ELB: 60 s). */
const IDLE_MS = 30_000;

/**
 * The client makes an agent, and so a TLS handshake, per call. The last one is kept, with its connections, for as long
 * as its certificates are the same; agents of proxies are left alone.
 */
function keptAgents(): (request: RequestContext) => void {
  let kept: KeptAgent | undefined;
  let keptFor = "";
  return (request) => {
    const fresh = request.getAgent();
    if (fresh?.constructor !== HttpsAgent && fresh?.constructor !== HttpAgent) return;
    const { options } = fresh as HttpAgent & { readonly options: AgentOptions };
    const credentials = credentialsOf(options);
    if (kept === undefined || credentials !== keptFor) {
      kept?.agent.destroy();
      const protocol = fresh instanceof HttpsAgent ? "https:" : "http:";
      kept = createKeptAgent(protocol, { ...options, timeout: IDLE_MS });
      keptFor = credentials;
    }
    kept.refresh();
    request.setAgent(kept.agent);
  };
}

function credentialsOf({ ca, cert, key, pfx, passphrase, servername }: AgentOptions): string {
  return [ca, cert, key, pfx, passphrase, servername].map(String).join("\n");
}
