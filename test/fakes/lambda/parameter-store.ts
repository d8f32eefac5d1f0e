// AWS Parameter Store's GetParameters on this machine, for secrets that take the same way as on AWS.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type ParameterStore = {
  readonly endpoint: string;
  /** Names asked for so far, with their path. */
  readonly asked: readonly string[];
  /** Answers the next `times` calls with this status. */
  failNext(status: number, times: number): void;
  stop(): Promise<void>;
};

export async function startParameterStore(parameters: {
  readonly [name: string]: string;
}): Promise<ParameterStore> {
  const asked: string[] = [];
  const failing: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const refused = refusalOf(request.headers);
    const status = failing.shift() ?? (refused === undefined ? 200 : 400);
    if (status !== 200) {
      response.writeHead(status).end(JSON.stringify({ __type: refused ?? "InternalServerError" }));
      return;
    }
    const { Names } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { Names: string[] };
    asked.push(...Names);
    const Parameters = Names.filter((name) => parameters[name] !== undefined).map((Name) => ({
      Name,
      Value: parameters[Name],
    }));
    const InvalidParameters = Names.filter((name) => parameters[name] === undefined);
    response.writeHead(200).end(JSON.stringify({ Parameters, InvalidParameters }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    failNext: (status, times) => void failing.push(...Array<number>(times).fill(status)),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function refusalOf(headers: { readonly [name: string]: string | string[] | undefined }): string | undefined {
  if (headers["x-amz-target"] !== "AmazonSSM.GetParameters") return "UnknownOperationException";
  const { authorization } = headers;
  return String(authorization).includes("/ssm/aws4_request") ? undefined : "UnrecognizedClientException";
}
