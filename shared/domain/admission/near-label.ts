// Labels that nearly are an endpoint's selector: what was meant, in words for whoever wrote `runs-on`.

import { editDistance, isGeneric, normalize } from "./labels.ts";

/** Undefined for a label that is near none of the selectors. `label`: as GitHub sends it. */
export function nearLabel(label: string, selectors: readonly string[]): string | undefined {
  return joined(label, selectors) ?? unfilled(label, selectors) ?? alike(label, selectors);
}

/** `runs-on: "self-hosted, npu"` is one label to GitHub, not two. */
function joined(label: string, selectors: readonly string[]): string | undefined {
  const parts = label
    .split(/[\s,;|+]+/)
    .map(bare)
    .filter((part) => part !== "");
  if (parts.length < 2 || label.includes("${{")) return undefined;
  const meant = parts.map((part) => nearest(part, selectors) ?? part);
  if (!meant.some((part) => selectors.map(normalize).includes(normalize(part)))) return undefined;
  return `"${label}" is one label; write a list: runs-on: [${meant.join(", ")}]`;
}

/** Whatever stands for the expression, the rest is a selector's: GitHub was sent the text as it is. */
function unfilled(label: string, selectors: readonly string[]): string | undefined {
  const literals = normalize(label).split(/\$\{\{.*?\}\}/);
  if (literals.length < 2 || literals.join("").length < TYPO_MIN_LENGTH) return undefined;
  const form = new RegExp(`^${literals.map(escaped).join(".*")}$`);
  const meant = selectors.find((selector) => form.test(normalize(selector)));
  return meant && `"${label}" has an expression that was not filled in; did you mean "${meant}"?`;
}

function alike(label: string, selectors: readonly string[]): string | undefined {
  const meant = nearest(label, selectors);
  return meant && `no endpoint has "${normalize(label)}"; did you mean "${meant}"?`;
}

const TYPO_EDITS = 2;
/** Below this length two edits make one real label of another. */
const TYPO_MIN_LENGTH = 6;

/** The selector itself, in lower case, where the label is one. */
function nearest(label: string, selectors: readonly string[]): string | undefined {
  const [first] = selectors
    .map((selector) => ({ selector: normalize(selector), edits: editsBetween(label, selector) }))
    .filter(({ edits }) => edits <= TYPO_EDITS)
    .sort((a, b) => a.edits - b.edits);
  return first?.selector;
}

function editsBetween(label: string, selector: string): number {
  const [one, other] = [normalize(label), normalize(selector)];
  if (compact(one) === compact(other)) return 0;
  if (one.length < TYPO_MIN_LENGTH || isGeneric(one) || !hasNumbersOf(one, other)) return TYPO_EDITS + 1;
  return Math.min(editDistance(one, other), editDistance(inOneSpelling(one), inOneSpelling(other)));
}

/**
 * Another number is another thing: `a3-8` is no typo of `a2-8`, nor is `a2b3-1` one of `a2-1`. But for the last one, a count
 * of cards, which may be missing too.
 */
function hasNumbersOf(label: string, selector: string): boolean {
  const [numbers, wanted] = [numbersOf(label), numbersOf(selector)];
  const same = numbers.slice(0, wanted.length - 1).every((number, at) => number === wanted[at]);
  return same && numbers.length <= wanted.length && numbers.length >= wanted.length - 1;
}

function numbersOf(label: string): number[] {
  // The architecture's is part of a word, which may be mistyped.
  return [
    ...inOneSpelling(label)
      .replaceAll(/\b[a-z]+64\b/g, "")
      .matchAll(/\d+/g),
  ].map(Number);
}

/** Separators, names of an architecture, quotes and what stands around a label are told in many ways. */
function inOneSpelling(label: string): string {
  const words = bare(label)
    .replaceAll(/x86[-_]?64|amd64/g, "x64")
    .replaceAll(/aarch64|armv8/g, "arm64")
    .split(/[-_.:/\s]+/);
  return words.filter((word) => word !== "").join("-");
}

function compact(label: string): string {
  return inOneSpelling(label).replaceAll("-", "");
}

function bare(label: string): string {
  return label.trim().replaceAll(/^[["'`(]+|[\]"'`),.;:!]+$/g, "");
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
