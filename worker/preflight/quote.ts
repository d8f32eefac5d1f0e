// A program's own words in a message for people.
const LONGEST_WORDS = 200;

/** ` ("…")` with its last lines, as many as fit; nothing where it said nothing. */
export function quoted(output: string): string {
  const words = clipped(output);
  return words === "" ? "" : ` ("${words}")`;
}

/** On one line, the end of it: what went wrong is said last. */
function clipped(output: string): string {
  const text = output.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return text.length <= LONGEST_WORDS ? text : `…${text.slice(-LONGEST_WORDS)}`;
}
