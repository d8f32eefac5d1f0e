// Registration tokens straight from GitHub's REST API, for a worker that was given a personal access token.
import * as z from "zod/mini";
import { apiPathOf, type RunnerScope } from "../../shared/domain/runner-scope.ts";
import { GITHUB_API_VERSION } from "../../shared/protocol/github-api.ts";
import type { Refusal } from "../dispatcher/ask-until.ts";
import type { HttpAnswer, SendHttp } from "../dispatcher/http-sender.ts";
import { parseJson } from "../parse-json.ts";

type TokenAnswer = { readonly type: "granted"; readonly token: string } | Refusal;

export type GitHubClient = {
  /** `remove` is the only token with which config.sh may take a registration back. */
  createToken(kind: "registration" | "remove", signal?: AbortSignal): Promise<TokenAnswer>;
};

const TIMEOUT_MS = 10_000;

export function createGitHubClient(
  apiUrl: string,
  scope: RunnerScope,
  pat: string,
  send: SendHttp,
): GitHubClient {
  return {
    async createToken(kind, signal) {
      const answer = await send({
        method: "POST",
        url: `${apiUrl}/${apiPathOf(scope)}/actions/runners/${kind}-token`,
        headers: {
          authorization: `Bearer ${pat}`,
          accept: "application/vnd.github+json",
          "x-github-api-version": GITHUB_API_VERSION,
          "user-agent": "npu-dispatch-worker",
        },
        body: "",
        timeoutMs: TIMEOUT_MS,
        signal,
      });
      return judge(answer, `${kind}-token for ${apiPathOf(scope)}`);
    },
  };
}

const created = z.object({ token: z.string() });
const refused = z.object({ message: z.string() });

function judge(answer: HttpAnswer, what: string): TokenAnswer {
  const body = parseJson(answer.body);
  const token = created.safeParse(body).data?.token;
  if (answer.status === 201 && token !== undefined) return { type: "granted", token };
  const said = refused.safeParse(body).data?.message ?? "no reason given";
  const message = `GitHub answered ${answer.status} to ${what}: ${said}`;
  // GitHub's rate limits are 429, or 403 with the time to wait.
  const passing = answer.status === 429 || answer.status >= 500 || answer.retryAfterMs !== undefined;
  if (passing) return { type: "later", message, afterMs: answer.retryAfterMs };
  return { type: "refused", message: `${message}. Check the token's permissions and the name.` };
}
