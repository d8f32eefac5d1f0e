// Every job writes down that it began and which cards it uses, so that a second use of either shows.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "./findings.ts";

export type CardWatch = {
  /** Lines of bash at the begin of a job. */
  script(job: string): string[];
  findings(): Promise<Finding[]>;
};

export async function createCardWatch(dir: string): Promise<CardWatch> {
  await mkdir(dir);
  const begun = join(dir, "begun");
  const shared = join(dir, "shared");
  return {
    script: (job) => [
      `echo ${job} >> ${begun}`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: bash's
      "for card in $(echo ${ASCEND_VISIBLE_DEVICES:?} | tr , ' '); do",
      `  last=$(cat ${dir}/card-$card 2>/dev/null || true)`,
      // Bash still: a number that another program has by now, or a process that has ended, is none.
      `  if grep -qs bash /proc/\${last:-none}/cmdline; then echo "${job} on card $card" >> ${shared}; fi`,
      `  echo $$ > ${dir}/card-$card`,
      "done",
    ],
    async findings() {
      const jobs = await linesOf(begun);
      const again = jobs.filter((job, index) => jobs.indexOf(job) !== index);
      return [
        ...again.map((job) => doubleRun(`${job} began a second time`)),
        ...(await linesOf(shared)).map((use) => doubleRun(`${use}, which another job was using`)),
      ];
    },
  };
}

function doubleRun(message: string): Finding {
  return { kind: "double-run", message };
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text.split("\n").filter((line) => line !== "");
}
