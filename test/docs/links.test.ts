// Every link between the pages leads somewhere, and every file and npm script that they name is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const FOLDERS = ["functions", "shared", "worker", "test", "scripts", "docs", "bench", "deploy", "schema"];

const pages = [
  ...["README.md", "README_CN.md", "CONTRIBUTING.md"].map((name) => join(ROOT, name)),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(ROOT, "docs", name)),
];

describe.each(pages.map((page) => [relative(ROOT, page), page]))("%s", (_name, page) => {
  const text = readFileSync(page, "utf8");

  test("links", () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = ""]) => link);
    expect(links.filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });

  test("files", () => {
    const files = [...text.matchAll(/`([\w.-]+\/[\w./-]*\w)`/g)].map(([, file = ""]) => file);
    const ours = files.filter((file) => FOLDERS.includes(file.split("/")[0] ?? ""));
    expect(ours.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test("npm scripts", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    const names = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = ""]) => name);
    expect(names.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

test("there are pages, with a link to a heading, and a broken one is seen", () => {
  expect(pages.length).toBeGreaterThan(20);
  const page = join(ROOT, "docs", "worker.md");
  expect(leadsSomewhere(page, "configuration.md#policy-of-a-tenant")).toBe(true);
  expect(leadsSomewhere(page, "configuration.md#policy-of-nobody")).toBe(false);
  expect(leadsSomewhere(page, "gone.md")).toBe(false);
});

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || headings(readFileSync(target, "utf8")).includes(anchor);
}

/** As GitHub makes them: lower case, no punctuation, dashes for spaces. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
