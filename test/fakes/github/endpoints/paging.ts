// Pages of a list, as GitHub's `per_page`, `page` and `Link` header have them.

export function page(url: URL): { readonly per_page: number; readonly number: number } {
  const size = Number(url.searchParams.get("per_page") ?? DEFAULT_SIZE);
  const number = Number(url.searchParams.get("page") ?? 1);
  return { per_page: Math.min(Math.max(1, size), GREATEST_SIZE), number: Math.max(1, number) };
}

/** @returns the page's items, and the `Link` header when more follow. */
export function paged<Item>(
  items: readonly Item[],
  url: URL,
  webUrl: string,
): { readonly items: readonly Item[]; readonly headers: Record<string, string> } {
  const { per_page, number } = page(url);
  const end = number * per_page;
  const next = new URL(url.pathname + url.search, webUrl);
  next.searchParams.set("page", String(number + 1));
  return {
    items: items.slice(end - per_page, end),
    headers: end < items.length ? { link: `<${next.href}>; rel="next"` } : {},
  };
}

const DEFAULT_SIZE = 30;
const GREATEST_SIZE = 100;
