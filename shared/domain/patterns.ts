// Lists of names with `*` for any characters, as dispatch.yaml has them.

/** Fits a whole name. A list without patterns fits none. */
export function matcherOf(patterns: readonly string[], letters?: "any-case"): RegExp {
  if (patterns.length === 0) return /(?!)/;
  const alternatives = patterns.map((pattern) => pattern.split("*").map(literally).join(".*"));
  return new RegExp(`^(?:${alternatives.join("|")})$`, letters === undefined ? "" : "i");
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.|?+()[\]{}/]/g, "\\$&");
}
