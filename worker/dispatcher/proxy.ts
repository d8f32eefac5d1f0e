// Which proxy, if any, a request goes through, from the usual environment variables.
import type { Environment } from "../config.ts";

/** The proxy's URL, or undefined for a direct connection. Loopback never goes through a proxy. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isLoopback(url.hostname) || isExempt(url, read(env, "NO_PROXY"))) return undefined;
  const proxy =
    url.protocol === "https:"
      ? (read(env, "HTTPS_PROXY") ?? read(env, "HTTP_PROXY"))
      : read(env, "HTTP_PROXY");
  if (proxy === undefined) return undefined;
  const address = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw new Error(
      "HTTPS_PROXY or HTTP_PROXY is not an http(s) URL. Correct it in the worker's environment.",
    );
  }
  return new URL(address);
}

/** Lower case wins, as in curl. */
function read(env: Environment, name: string): string | undefined {
  return env[name.toLowerCase()] || env[name] || undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Entries are `*`, `host`, `.domain`, `*.domain`, each with an optional port. */
function isExempt(url: URL, noProxy = ""): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const [host = "", entryPort] = entry.toLowerCase().split(/:(?=\d+$)/);
      if (entryPort !== undefined && entryPort !== port) return false;
      const domain = host.replace(/^\*?\./, "");
      return url.hostname === domain || url.hostname.endsWith(`.${domain}`);
    });
}
