// What a freeze does to a sandbox's connections: it hears nothing of them meanwhile, and those of a long freeze are dead.
//
// The kernel of a frozen sandbox neither answers nor hears: the other side, or what stands between (a NAT gateway after
// 350 s, aws/aws-sdk-js-v3#3624), forgets the connection. The sandbox learns it at its next use: by a reset (#1196), or
// never. And each connection of a pool is dead, so that a retry that takes the next one fails too (#3905).
import { subscribe } from "node:diagnostics_channel";

const open = new Set();
let written = 0;

subscribe("net.client.socket", ({ socket }) => {
  open.add(socket);
  socket.once("close", () => open.delete(socket));
});

/** Before a freeze: an end of a connection that arrives during it is not noticed after it. */
export function holdSockets() {
  for (const { _handle: handle } of open) if (handle?.reading) handle.readStop();
}

/** After it. `silentShare` of those that are dead swallow what is written; the others are reset by it. */
export function thawSockets({ dead, silentShare }) {
  const cut = dead ? [...open] : [];
  for (const [place, socket] of cut.entries()) kill(socket, isSilent(place, silentShare));
  if (!dead) for (const { _handle: handle } of open) if (handle?.reading) handle.readStart();
  return cut.length;
}

/** How often something was written to a dead connection since the last call. */
export function takeWritten() {
  const count = written;
  written = 0;
  return count;
}

/** Spread over the pool, and the same in each run: at a share of 0.5 every second one. */
function isSilent(place, share) {
  return Math.floor((place + 1) * share) > Math.floor(place * share);
}

function kill(socket, silent) {
  // The kernel takes what is written; what comes of it is heard later, if at all.
  const swallow = (done) => {
    written++;
    done();
    if (!silent) setImmediate(() => socket.destroy(reset()));
  };
  open.delete(socket);
  socket._read = () => {};
  socket._write = (_chunk, _encoding, done) => swallow(done);
  socket._writev = (_chunks, done) => swallow(done);
}

function reset() {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", errno: -104, syscall: "read" });
}
