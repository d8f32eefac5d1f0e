/** What a log line may say. Only these fields are written, whatever the caller passes: an allow-list, not a filter. */
export type LogFields = {
  readonly job?: string | undefined;
  readonly worker?: string | undefined;
  readonly pool?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly tenant?: string | undefined;
  readonly delivery?: string | undefined;
  readonly githubEvent?: string | undefined;
  readonly repository?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly phase?: string | undefined;
  readonly state?: string | undefined;
  readonly reason?: string | undefined;
  /** A sentence for people. */
  readonly message?: string | undefined;
  readonly status?: number | undefined;
  readonly count?: number | undefined;
  readonly ms?: number | undefined;
  readonly cards?: number | undefined;
  readonly url?: string | undefined;
  readonly error?: unknown;
};

/** One JSON object per line: `{at, level, event, …fields}`. `event` is kebab-case and constant: `worker-started`. */
export type Log = {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
};
