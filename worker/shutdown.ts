// TERM and INT to the worker: each is one request to stop, a second one asks for haste.

type SignalSource = {
  on(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  off(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
};

/** Returns how to stop listening. */
export function listenForStop(source: SignalSource, stop: () => void): () => void {
  source.on("SIGTERM", stop);
  source.on("SIGINT", stop);
  return () => {
    source.off("SIGTERM", stop);
    source.off("SIGINT", stop);
  };
}
