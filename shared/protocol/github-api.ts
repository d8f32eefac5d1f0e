// What every program here that talks to GitHub's REST API must say and know alike.

/** Of the header `X-GitHub-Api-Version`. */
export const GITHUB_API_VERSION = "2022-11-28";

/**
 * The site for people that belongs to an API's address: `https://github.com` to `https://api.github.com`,
 * `https://acme.ghe.com` to `https://api.acme.ghe.com`, `https://<host>` to `https://<host>/api/v3` of a GitHub
 * Enterprise Server.
 */
export function siteUrl(apiUrl: string): string {
  const { protocol, host, pathname } = new URL(apiUrl);
  if (pathname.startsWith("/api/")) return `${protocol}//${host}`;
  return `${protocol}//${host.replace(/^api\./, "")}`;
}
