// `npm run runner-freshness`: is the pinned actions/runner still new enough? Exit code 0: yes. 1: update it. 2: not known.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { judgeFreshness } from "./image/judge-freshness.ts";
import { readReleases } from "./image/runner-releases.ts";
import { readVersions } from "./image/versions.ts";

const USAGE = "usage: npm run runner-freshness [-- --api-url https://<host>/api/v3] [--pinned 2.338.0]";

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  return 2;
});

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      "api-url": { type: "string", default: "https://api.github.com" },
      pinned: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const pinned = values.pinned ?? (await readVersions(join(import.meta.dirname, ".."))).runner.version;
  const releases = await readReleases(values["api-url"], process.env["GITHUB_TOKEN"]);
  const { fresh, sentence } = judgeFreshness(pinned, releases, Date.now());
  console[fresh ? "log" : "error"](sentence);
  return fresh ? 0 : 1;
}
