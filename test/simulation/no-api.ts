// The stores of the API plane for runs without API jobs: whoever writes to them has lost his way.
import type { ApiStores } from "../../shared/ports/api-store.ts";

export const NO_API: ApiStores = {
  payloads: { put: unused, get: unused, remove: unused },
  chunks: { put: unused, list: unused },
  apiKeys: { get: unused, create: unused },
  apiJobs: { open: async () => [] },
  counts: { add: unused, get: unused },
};

async function unused(): Promise<never> {
  throw new TypeError("a run without API jobs has touched the stores of the API plane");
}
