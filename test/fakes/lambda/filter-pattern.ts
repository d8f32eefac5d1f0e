// An event source mapping's filter patterns. An operator that is not known here throws: it must not match by accident.

type Pattern = { readonly [field: string]: Pattern | readonly unknown[] };

/** Patterns are alternatives; within one, every field must match one of its values. */
export function matchesAny(patterns: readonly Pattern[], record: unknown): boolean {
  return patterns.length === 0 || patterns.some((pattern) => matches(pattern, record));
}

function matches(pattern: Pattern, value: unknown): boolean {
  const fields = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return Object.entries(pattern).every(([name, rule]) =>
    Array.isArray(rule)
      ? rule.some((one) => matchesRule(one, fields[name]))
      : matches(rule as Pattern, fields[name]),
  );
}

function matchesRule(rule: unknown, value: unknown): boolean {
  if (typeof rule !== "object" || rule === null) return rule === (value ?? null);
  const [[operator, operand] = ["", undefined], ...more] = Object.entries(rule);
  if (more.length === 0) {
    if (operator === "exists") return operand === (value !== undefined);
    if (operator === "prefix") return typeof value === "string" && value.startsWith(String(operand));
    if (operator === "anything-but") return value !== undefined && ![operand].flat().includes(value);
  }
  throw new TypeError(`filter pattern ${JSON.stringify(rule)} is not understood by this stand-in`);
}
