// Failures ordered by a test for the next matching calls.
import type { Request } from "./endpoints/http-server.ts";

/** `drop` cuts the connection before anything is done, `drop-after` when it is done and the answer is lost. */
type FaultStatus = number | "drop" | "drop-after";

export type InjectedFault = {
  readonly status: FaultStatus;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
};

export type FaultInjection = {
  /** @param pattern tested on the path, and on "METHOD path" */
  failNext(pattern: RegExp, status: FaultStatus, times?: number, headers?: Record<string, string>): void;
  take(request: Request): InjectedFault | undefined;
};

export function createFaultInjection(): FaultInjection {
  const ordered: { pattern: RegExp; fault: InjectedFault; left: number }[] = [];
  return {
    failNext(pattern, status, times = 1, headers = {}) {
      const message = typeof status === "number" ? (MESSAGES[status] ?? "Server Error") : "";
      ordered.push({ pattern, fault: { status, message, headers }, left: times });
    },
    take({ method, url }) {
      const found = ordered.find(
        ({ pattern, left }) =>
          left > 0 && (pattern.test(url.pathname) || pattern.test(`${method} ${url.pathname}`)),
      );
      if (found === undefined) return undefined;
      found.left -= 1;
      return found.fault;
    },
  };
}

const MESSAGES: Readonly<Record<number, string>> = {
  401: "Bad credentials",
  403: "Resource not accessible by integration",
  404: "Not Found",
  409: "Conflict",
  422: "Validation Failed",
  429: "API rate limit exceeded",
};
