// A refusal with GitHub's status and message.

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** For 422 answers of the kind that lists each fault. */
  readonly errors: readonly string[] | undefined;
  constructor(
    status: number,
    message: string,
    options: { headers?: Readonly<Record<string, string>>; errors?: readonly string[] } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = options.headers ?? {};
    this.errors = options.errors;
  }
  /** GitHub's basic error; the status is text there. */
  body(): Record<string, unknown> {
    return {
      message: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      documentation_url: "https://docs.github.com/rest",
      status: String(this.status),
    };
  }
}
