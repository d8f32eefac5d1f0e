// The worker plane, as the worker speaks it: take, registration, ping, done. Answers that must be expected are values.
import * as z from "zod/mini";
import {
  type JobDone,
  type PingAnswer,
  pingAnswer,
  type RegistrationAnswer,
  registrationAnswer,
  type TakenJob,
  takenJob,
  workerPlaneError,
} from "../../shared/protocol/worker-plane.ts";
import { parseJson } from "../parse-json.ts";
import type { Heartbeat, WorkerUrls } from "../urls.ts";
import type { Refusal } from "./ask-until.ts";
import type { HttpAnswer, SendHttp } from "./http-sender.ts";

type TakeAnswer = { readonly type: "job"; readonly job: TakenJob } | Refusal;
export type RegisterAnswer =
  | { readonly type: "granted"; readonly registration: RegistrationAnswer }
  | Refusal;

export type RunPodClient = {
  take(signal?: AbortSignal): Promise<TakeAnswer>;
  register(kind: "token" | "jit", signal?: AbortSignal): Promise<RegisterAnswer>;
  /** Throws when the dispatcher does not answer 200. */
  ping(heartbeat: Heartbeat, signal?: AbortSignal): Promise<PingAnswer>;
  done(jobId: string, body: JobDone, signal?: AbortSignal): Promise<{ readonly type: "accepted" } | Refusal>;
};

/** RunPod sends more, some of it null, and may change it: what this worker does not need cannot cost a job. */
const neededOfJob = z.pick(takenJob, { id: true, input: true, dispatch: true });
/**
 * As RunPod's SDK since 1.7.6: RunPod may hand a job to a connection that was given up earlier. Ours holds a take for 20
 * s.
 */
const TAKE_TIMEOUT_MS = 90_000;
const TIMEOUT_MS = 15_000;
/** What RunPod's SDK waits after a 429. */
const TOO_MANY_MS = 5_000;

export function createRunPodClient(
  urls: WorkerUrls,
  token: string,
  bootId: string,
  send: SendHttp,
): RunPodClient {
  const headers = { authorization: token, accept: "application/json", "user-agent": "npu-dispatch-worker" };
  // An answer that comes after its time-out is not heard here, and must not be given there after the next question.
  let asks = 0;
  return {
    async take(signal) {
      const answer = await send({
        method: "GET",
        url: urls.take(bootId),
        headers,
        timeoutMs: TAKE_TIMEOUT_MS,
        signal,
      });
      if (answer.status === 200) return { type: "job", job: read(neededOfJob, answer, "job-take") };
      // RunPod's 400 means "not now", e.g. while it wakes a frozen container.
      if (answer.status === 204 || answer.status === 400) {
        return {
          type: "later",
          message: "The dispatcher has no job for this worker yet.",
          afterMs: undefined,
        };
      }
      return refusal(answer, "job-take");
    },
    async register(kind, signal) {
      const url = urls.registration(bootId, kind, ++asks);
      const answer = await send({ method: "POST", url, headers, body: "", timeoutMs: TIMEOUT_MS, signal });
      if (answer.status !== 200) return refusal(answer, "registration");
      return { type: "granted", registration: read(registrationAnswer, answer, "registration") };
    },
    async ping(heartbeat, signal) {
      const answer = await send({
        method: "GET",
        url: urls.ping(heartbeat),
        headers,
        timeoutMs: TIMEOUT_MS,
        signal,
      });
      if (answer.status !== 200) throw new Error(`The dispatcher answered ${answer.status} to a ping.`);
      // RunPod itself answers a ping with any text.
      return pingAnswer.safeParse(parseJson(answer.body)).data ?? {};
    },
    async done(jobId, body, signal) {
      const answer = await send({
        method: "POST",
        url: urls.done(jobId),
        headers: { ...headers, "content-type": "application/json", "x-request-id": jobId },
        body: JSON.stringify(body),
        timeoutMs: TIMEOUT_MS,
        signal,
      });
      if (answer.status === 200) return { type: "accepted" };
      // A 4xx that is not the dispatcher's own word comes from a proxy in front of one that is being restarted.
      const own = workerPlaneError.safeParse(parseJson(answer.body)).success;
      const message = `The dispatcher answered ${answer.status} to job-done.`;
      return own ? refusal(answer, "job-done") : { type: "later", message, afterMs: answer.retryAfterMs };
    },
  };
}

/** 4xx is final unless the answer names a time; 429 and 5xx never are. */
function refusal(answer: HttpAnswer, call: string): Refusal {
  const said = workerPlaneError.safeParse(parseJson(answer.body)).data;
  const message = `The dispatcher answered ${answer.status} to ${call}${said ? `: ${said.detail}` : "."}`;
  const afterMs = said?.retryAfterMs ?? answer.retryAfterMs;
  if (answer.status === 429) return { type: "later", message, afterMs: afterMs ?? TOO_MANY_MS };
  if (answer.status >= 500 || afterMs !== undefined) return { type: "later", message, afterMs };
  return { type: "refused", message };
}

function read<T extends z.ZodMiniType>(schema: T, answer: HttpAnswer, call: string): z.infer<T> {
  const parsed = z.safeParse(schema, parseJson(answer.body));
  if (parsed.success) return parsed.data;
  // The body may hold a registration token: it is named by its length only.
  throw new Error(
    `The dispatcher's answer to ${call} (${answer.body.length} characters) is not what the protocol says.`,
  );
}
