// HTTP over sockets that are kept and used again unless the server says otherwise, as aiohttp's pool does. A socket that
// the server has closed meanwhile is found out when the answer does not come, and the call is then lost.
import { connect, type Socket } from "node:net";

export type Answer = { readonly status: number; readonly body: string };

export function createKeepAliveClient(token: string) {
  const idle: Socket[] = [];
  return {
    /** Undefined: the connection broke. Nothing is tried again. */
    async send(method: string, url: string, body = "", requestId?: string): Promise<Answer | undefined> {
      const { hostname, port, pathname, search } = new URL(url);
      const socket = idle.pop() ?? connect(Number(port), hostname);
      const head = [
        `${method} ${pathname}${search} HTTP/1.1`,
        `Host: ${hostname}:${port}`,
        `Authorization: ${token}`,
        // What it posts is JSON all the same; a GET claims to be JSON.
        `Content-Type: ${method === "POST" ? "application/x-www-form-urlencoded" : "application/json"}`,
        "charset: utf-8",
        "User-Agent: RunPod-Python-SDK/1.12.0 (Linux 6.8) Language/Python 3.11",
        ...(requestId === undefined ? [] : [`X-Request-ID: ${requestId}`]),
        `Content-Length: ${Buffer.byteLength(body)}`,
      ];
      socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
      const { answer, keep } = await receive(socket);
      if (keep) idle.push(socket);
      else socket.destroy();
      return answer;
    },
  };
}

function receive(socket: Socket): Promise<{ answer: Answer | undefined; keep: boolean }> {
  return new Promise((resolve) => {
    let text = "";
    const settle = (answer: Answer | undefined, keep: boolean) => {
      socket.removeAllListeners();
      // An idle socket may be closed at any time; that shows at its next use.
      socket.on("error", () => {});
      resolve({ answer, keep });
    };
    socket.on("error", () => settle(undefined, false));
    socket.on("close", () => settle(parse(text)?.answer, false));
    socket.on("data", (data) => {
      text += data.toString("utf8");
      const parsed = parse(text);
      if (parsed?.complete === true) settle(parsed.answer, !parsed.closes);
    });
  });
}

function parse(text: string): { answer: Answer; complete: boolean; closes: boolean } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const head = text.slice(0, end).toLowerCase();
  const body = text.slice(end + 4);
  const status = Number(head.split(" ")[1]);
  const length = /content-length: (\d+)/.exec(head)?.[1];
  const expected = status === 204 ? 0 : Number(length ?? Number.POSITIVE_INFINITY);
  const closes = head.includes("connection: close");
  return { answer: { status, body }, complete: Buffer.byteLength(body) >= expected, closes };
}
