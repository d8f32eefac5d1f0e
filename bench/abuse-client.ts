// One tenant's worst, within its rights: large bodies, bodies of many keys, many calls at once, queues that are filled and
// emptied, listings, and connections that stall. In a process of its own that is bounded too: one loop of each kind.
import type { Socket } from "node:net";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ABUSER, ENDPOINT } from "./abuse-names.ts";

const [, , url = ""] = process.argv;
const at = `${url}/v2/${ENDPOINT}`;
const headers = { authorization: `Bearer ${ABUSER.key}`, "content-type": "application/json" };
const MB = 1_000_000;
const STALLED = 300;
/** Between two of a loop: the bench measures the server, and both share two cores. */
const PAUSE_MS = 50;
/** After a large body, which is made in no time and costs the kernel its copies. */
const LARGE_PAUSE_MS = 500;

const LARGE = Buffer.from(JSON.stringify({ input: "x".repeat(9 * MB) }));
const HUGE = Buffer.from(JSON.stringify({ input: "x".repeat(19 * MB) }));
const MANY_KEYS = Buffer.from(
  `{"input":{${Array.from({ length: 700_000 }, (_, index) => `"k${index}":${index}`).join(",")}}}`,
);
const MANY_OBJECTS = Buffer.from(`{"input":[${Array(3_300_000).fill("{}").join(",")}]}`);
/** Just within the limits, so that it is taken. */
const ALLOWED = Buffer.from(
  `{"input":{${Array.from({ length: 90_000 }, (_, index) => `"k${index}":[${index}]`).join(",")}}}`,
);
const INLINE = Buffer.from(JSON.stringify({ input: "x".repeat(7_900) }));

const counts: { [status: string]: number } = {};
let ended = false;
process.on("message", () => {
  ended = true;
  process.send?.(counts, () => process.exit(0));
});

const loops: readonly [number, () => Promise<unknown>, number?][] = [
  [2, () => post("run", LARGE), LARGE_PAUSE_MS],
  [2, () => post("runsync?wait=1000", HUGE), LARGE_PAUSE_MS],
  [1, () => post("run", MANY_KEYS), LARGE_PAUSE_MS],
  [1, () => post("runsync?wait=1000", MANY_OBJECTS), LARGE_PAUSE_MS],
  [1, () => post("run", ALLOWED), LARGE_PAUSE_MS],
  [4, () => post("run", INLINE)],
  [50, () => post("runsync?wait=5000", Buffer.from('{"input":{}}'))],
  [1, () => post("purge-queue", Buffer.from("{}"))],
  [1, () => get("requests")],
  [2, () => get("health")],
];
for (const [count, act, pauseMs = PAUSE_MS] of loops) {
  for (let number = 0; number < count; number++) void repeat(act, pauseMs);
}
void stall();

async function repeat(act: () => Promise<unknown>, pauseMs: number): Promise<void> {
  while (!ended) {
    await act().catch(() => note("broken"));
    await sleep(pauseMs);
  }
}

async function post(path: string, body: Uint8Array): Promise<void> {
  await take(
    await fetch(`${at}/${path}`, { method: "POST", headers, body: body as NonNullable<RequestInit["body"]> }),
    path,
  );
}

async function get(path: string): Promise<void> {
  await take(await fetch(`${at}/${path}`, { headers }), path);
}

async function take(response: Response, path: string): Promise<void> {
  await response.arrayBuffer();
  note(`${path.split("?")[0]} ${response.status}`);
}

function note(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** Half of them a delivery of 1 MB less a byte, half nothing but the begin of a request. */
async function stall(): Promise<void> {
  const { hostname, port } = new URL(url);
  const almost = Buffer.alloc(MB - 1, "x");
  const head = `POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: ${MB}\r\n\r\n`;
  while (!ended) {
    const sockets: Socket[] = [];
    for (let one = 0; one < STALLED; one++) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => note("stalled connection dropped"));
      if (one % 10 === 0) socket.write(Buffer.concat([Buffer.from(head), almost]));
      else socket.write("POST /v2/");
      sockets.push(socket);
      if (one % 10 === 0) await sleep(PAUSE_MS);
    }
    await sleep(15_000);
    for (const socket of sockets) socket.destroy();
  }
}
