// Sends requests from a thread of its own, so that the bench measures the server's CPU and not the client's.
import { parentPort } from "node:worker_threads";

/** `paths` in turn, `count` of them, `atOnce` under way. */
export type Load = {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly paths: readonly string[];
  readonly headers: { readonly [name: string]: string };
  readonly body: string | undefined;
  readonly count: number;
  readonly atOnce: number;
};

export type Answers = { readonly [status: number]: number };

parentPort?.on("message", (load: Load) => {
  send(load).then(
    (answers) => parentPort?.postMessage(answers),
    (error: unknown) => {
      throw error;
    },
  );
});

async function send({ url, method, paths, headers, body, count, atOnce }: Load): Promise<Answers> {
  const answers: { [status: number]: number } = {};
  let sent = 0;
  const line = async (): Promise<void> => {
    while (sent < count) {
      const path = paths[sent++ % paths.length] ?? "/";
      const init = { method, headers, ...(body === undefined ? {} : { body }) };
      const response = await fetch(url + path, init);
      await response.arrayBuffer();
      answers[response.status] = (answers[response.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, line));
  return answers;
}
