// The three calls to the dispatcher that the actions make: run, status, cancel. Each bounded, and tried again where that
// is harmless.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createCredential } from "./credential.mjs";
import { annotate, readVariable, requireInput, say } from "./runner-io.mjs";

const TIMEOUT_MS = 30_000;
const TRIES = 6;
/** 1, 2, 4, 8, 16 s: a dispatcher that is being restarted is back within half a minute. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
const ID_FORM = /^[\w-]{1,128}$/;

/** From the inputs url, endpoint and api-key. */
export function connect() {
  const url = baseUrl(requireInput("url"));
  const base = `${url}/v2/${encodeURIComponent(requireInput("endpoint"))}`;
  const authorize = createCredential(url);

  /** @returns {Promise<{status: number, body: any}>} any answer below 500 but 429 */
  async function call(method, path, { body, headers = {} } = {}) {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(method, `${base}${path}`, await authorize(), { body, headers });
      const passing = answer.fault !== undefined || answer.status === 429 || answer.status >= 500;
      if (!passing) return answer;
      const why = answer.fault ?? `it answered ${describe(answer)}`;
      if (attempt === TRIES) throw new Error(`The dispatcher at ${url} cannot be asked: ${why}.`);
      const waitMs = Math.min(answer.retryAfterMs ?? RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS);
      say(`The dispatcher is not ready (${why}); next try in ${Math.ceil(waitMs / 1_000)} s.`);
      await sleep(waitMs);
    }
  }

  return {
    /** @returns {Promise<{id: string, label: string | undefined}>} */
    async run(input) {
      const headers = {
        "content-type": "application/json",
        // An answer that was lost does not start a second worker.
        "idempotency-key": randomUUID(),
        "x-workflow-run": workflowRun(),
      };
      const answer = await call("POST", "/run", { body: JSON.stringify({ input }), headers });
      if (answer.status !== 200) throw refusal("did not start a worker", answer);
      const { id, label } = answer.body ?? {};
      if (typeof id !== "string" || !ID_FORM.test(id)) {
        throw new Error("The dispatcher's answer has no job id. Is the input url that of npu-dispatch?");
      }
      return { id, label: typeof label === "string" && label !== "" ? label : undefined };
    },
    /** @returns {Promise<{status: string, phase?: string, error?: string} | undefined>} undefined when there is no such job */
    async status(id) {
      const answer = await call("GET", `/status/${id}`);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusal(`did not tell the status of job ${id}`, answer);
      return answer.body;
    },
    /** @returns {Promise<string | undefined>} the job's status after it; undefined when there is no such job */
    async cancel(id) {
      if (!ID_FORM.test(id)) throw new Error("The input job-id is not the id of a job.");
      const answer = await call("POST", `/cancel/${id}`, {
        body: "{}",
        headers: { "content-type": "application/json" },
      });
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusal(`did not cancel job ${id}`, answer);
      return answer.body?.status ?? "CANCELLED";
    },
  };
}

function baseUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "") {
    throw new Error("The input url must be the base URL of the dispatcher, as https://dispatch.example.com.");
  }
  const loopback = /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && !loopback) {
    annotate("warning", "The dispatcher's url is not https: its key travels in clear text.");
  }
  return url.href.replace(/\/+$/, "");
}

/** `owner/repo/run/attempt`: the job ends with the run. An OIDC token says the same by itself. */
function workflowRun() {
  return ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"].map(readVariable).join("/");
}

async function send(method, url, authorization, { body, headers }) {
  try {
    const answer = await fetch(url, {
      method,
      body,
      headers: { ...headers, authorization, accept: "application/json", "user-agent": "npu-dispatch-action" },
      // The key is for this host only.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
    return {
      status: answer.status,
      body: parse(await answer.text()),
      retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1_000,
    };
  } catch (error) {
    return { fault: error.name === "TimeoutError" ? "no answer in time" : innermost(error).message };
  }
}

function innermost(error) {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function refusal(what, answer) {
  return new Error(`The dispatcher ${what}: it answered ${describe(answer)}.`);
}

function describe({ status, body }) {
  const said = [body?.detail, body?.error, body?.message].find((text) => typeof text === "string");
  return said === undefined ? String(status) : `${status}, ${said.slice(0, 500).replace(/\.$/, "")}`;
}
