// What an engine tells while it pulls an image: how far it is, and why it failed.
import * as z from "zod/mini";

export type PullProgress = {
  /** Takes a line of the engine's answer, as it was parsed. */
  take(line: unknown): void;
  /** "1.2 of 14.8 GB", of the layers that are known by now; undefined when nothing is. */
  done(): string | undefined;
  /** The engine's words when it could not. */
  failure(): string | undefined;
};

const message = z.object({
  id: z.optional(z.string()),
  status: z.optional(z.string()),
  progressDetail: z.optional(z.object({ current: z.optional(z.number()), total: z.optional(z.number()) })),
  error: z.optional(z.string()),
  /** Of a body that is no stream: the status was an error already. */
  message: z.optional(z.string()),
});

export function createPullProgress(): PullProgress {
  const layers = new Map<string, { readonly current: number; readonly total: number }>();
  let failed: string | undefined;

  return {
    take,
    done: () => describe([...layers.values()]),
    failure: () => failed,
  };

  function take(line: unknown): void {
    const parsed = message.safeParse(line);
    if (!parsed.success) return;
    const { id, status, progressDetail, error, message: words } = parsed.data;
    failed = error ?? words ?? failed;
    const { current, total } = progressDetail ?? {};
    if (id === undefined || total === undefined || current === undefined) return;
    // "Extracting" counts from 0 again; its layer has been downloaded.
    layers.set(id, { total, current: status === "Downloading" ? current : total });
  }
}

function describe(
  layers: readonly { readonly current: number; readonly total: number }[],
): string | undefined {
  const sum = (of: "current" | "total") => layers.reduce((bytes, layer) => bytes + layer[of], 0);
  const total = sum("total");
  return total === 0 ? undefined : `${gigabytes(sum("current"))} of ${gigabytes(total)} GB`;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
