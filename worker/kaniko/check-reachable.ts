// Whether anybody listens where BUILDKIT_HOST points: buildctl itself would wait and then print a stack of gRPC errors.
import { connect, type NetConnectOpts } from "node:net";
import { BuildFault } from "./fault.ts";

const CONNECT_MS = 5_000;

/** Addresses that buildctl reaches through another program (docker-container://, kube-pod://, ssh://) are left to it. */
export async function checkReachable(address: string): Promise<void> {
  const target = targetOf(address);
  if (target === undefined) return;
  const why = await tryConnect(target);
  if (why === undefined) return;
  throw new BuildFault(
    `BuildKit cannot be reached at BUILDKIT_HOST=${address}: ${why}. Check the address, and whether buildkitd runs and this pool may connect to it.`,
  );
}

function targetOf(address: string): NetConnectOpts | undefined {
  const [, scheme, rest = ""] = /^(tcp|unix):\/\/(.*)$/s.exec(address) ?? [];
  if (scheme === "unix") return { path: rest };
  if (scheme === "tcp") {
    const url = URL.parse(`http://${rest}`);
    if (!url?.port)
      throw new BuildFault(`BUILDKIT_HOST=${address} has no port, as in tcp://buildkitd.build:1234.`);
    return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
  }
  if (/^[a-z0-9-]+:\/\//i.test(address)) return undefined;
  throw new BuildFault(`BUILDKIT_HOST=${address} is no address: it begins with tcp:// or unix://.`);
}

/** Why not; undefined when somebody answered. */
function tryConnect(target: NetConnectOpts): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...target, timeout: CONNECT_MS });
    const end = (why: string | undefined) => {
      socket.destroy();
      resolve(why);
    };
    socket.once("connect", () => end(undefined));
    socket.once("timeout", () => end(`no answer within ${CONNECT_MS / 1_000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => end(REASONS[error.code ?? ""] ?? error.message));
  });
}

const REASONS: { readonly [code: string]: string } = {
  ECONNREFUSED: "nobody listens there",
  ENOENT: "there is no such socket in this container",
  EACCES: "the user of this step may not open the socket",
  ENOTFOUND: "the name is not known",
  EHOSTUNREACH: "there is no route to it",
};
