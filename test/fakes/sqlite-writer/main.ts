// A process that writes jobs into a database file until it is killed, and says each id once its write was acknowledged.
import { writeSync } from "node:fs";
import { createSqliteStores } from "../../../shared/adapters/sqlite/sqlite-stores.ts";
import { aJob } from "../../contract/store-nouns.ts";

const [, , file = ""] = process.argv;
const stores = createSqliteStores({ file, clock: { now: () => Date.now() } });
for (let n = 0; ; n++) {
  const job = aJob(`gh-${n}`);
  // Not process.stdout: it would keep lines in this process, and the kill would take them along.
  if (await stores.jobs.create(job)) writeSync(1, `${job.id}\n`);
}
