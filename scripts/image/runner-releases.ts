// The releases of actions/runner, by GitHub's API.
import * as z from "zod";

export type Release = {
  /** `2.338.0` */
  readonly version: string;
  /** Epoch ms. */
  readonly publishedAt: number;
};

const schema = z.array(
  z.object({
    tag_name: z.string(),
    draft: z.boolean(),
    prerelease: z.boolean(),
    published_at: z.nullable(z.iso.datetime()),
  }),
);
const TIMEOUT_MS = 20_000;

/**
 * The latest 30, without drafts and previews. The first release after the pinned one counts, so `releases/latest` is not
 * enough.
 *
 * @param token optional; without one GitHub answers 60 times an hour for an address
 * @throws with a sentence when the API does not answer as it should
 */
export async function readReleases(apiUrl: string, token: string | undefined): Promise<Release[]> {
  const url = `${apiUrl.replace(/\/+$/, "")}/repos/actions/runner/releases?per_page=30`;
  const response = await ask(url, token);
  if (!response.ok) throw new Error(`${url} answered ${response.status}. ${hint(response.status)}`);
  const parsed = schema.safeParse(await response.json());
  if (!parsed.success)
    throw new Error(`${url} did not answer with releases: ${z.prettifyError(parsed.error)}`);
  const releases = parsed.data.flatMap(({ tag_name, draft, prerelease, published_at }) => {
    const [, version] = /^v(\d+\.\d+\.\d+)$/.exec(tag_name) ?? [];
    if (version === undefined || draft || prerelease || published_at === null) return [];
    return [{ version, publishedAt: Date.parse(published_at) }];
  });
  if (releases.length === 0) throw new Error(`${url} names no release of actions/runner.`);
  return releases;
}

async function ask(url: string, token: string | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: {
        accept: "application/vnd.github+json",
        ...(token && { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(
      `${url} could not be reached: ${cause instanceof Error ? cause.message : String(cause)}.`,
      {
        cause: error,
      },
    );
  }
}

function hint(status: number): string {
  return status === 403 || status === 429
    ? "Set GITHUB_TOKEN: without a token GitHub allows 60 calls an hour."
    : "Try again later.";
}
