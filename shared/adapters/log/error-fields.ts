// Turns whatever was thrown into plain log fields: name, message, cause chain; a stack only where asked.

export type ErrorFields = {
  readonly name: string;
  readonly message: string;
  /** System or HTTP code: `ECONNREFUSED`, 404. */
  readonly code?: string | number;
  readonly cause?: ErrorFields;
  readonly errors?: readonly ErrorFields[];
  readonly stack?: string;
};

/** Deeper causes say nothing new, and a cause chain may be a circle. */
const MAX_DEPTH = 5;
const MAX_ERRORS = 5;

export function errorFields(thrown: unknown, options: { readonly stack: boolean }, depth = 1): ErrorFields {
  if (!(thrown instanceof Error)) return { name: typeof thrown, message: textOf(thrown) };
  const code = codeOf(thrown);
  const goDeeper = depth < MAX_DEPTH;
  return {
    name: thrown.name,
    message: thrown.message,
    ...(code !== undefined && { code }),
    ...(goDeeper && thrown.cause !== undefined && { cause: errorFields(thrown.cause, options, depth + 1) }),
    ...(goDeeper &&
      thrown instanceof AggregateError && {
        errors: thrown.errors.slice(0, MAX_ERRORS).map((error) => errorFields(error, options, depth + 1)),
      }),
    ...(options.stack && thrown.stack !== undefined && { stack: thrown.stack }),
  };
}

function codeOf(error: Error): string | number | undefined {
  const { code, status } = error as { code?: unknown; status?: unknown };
  return [code, status].find((value) => typeof value === "string" || typeof value === "number") as
    | string
    | number
    | undefined;
}

/** Objects are not spread into the log: they may hold anything. */
function textOf(thrown: unknown): string {
  return typeof thrown === "object" && thrown !== null ? "an object that is not an Error" : String(thrown);
}
