// What keeps an engine from answering, told apart by what can be done about it.

/** No connection came to be: the engine has not heard of the call. */
const UNHEARD = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export type EngineTrouble = {
  /** `unavailable`: it may answer later. `settings`: somebody has to change something first. */
  readonly kind: "unavailable" | "settings";
  readonly message: string;
};

export class EngineFault extends Error {
  override readonly name = "EngineFault";
  readonly kind: EngineTrouble["kind"];
  /** The call was made for certain in vain. */
  readonly isUnheard: boolean;
  constructor({ kind, message }: EngineTrouble, cause: unknown, isUnheard = UNHEARD.has(codeOf(cause))) {
    super(message, { cause });
    this.kind = kind;
    this.isUnheard = isUnheard;
  }
}

/** `error` is what undici threw for a request to the engine at `url`. */
export function engineFault(error: unknown, url: string): EngineFault {
  const code = codeOf(error);
  const known = TROUBLES[code];
  if (known !== undefined) {
    return new EngineFault({ kind: known.kind, message: known.message.replace("URL", url) }, error);
  }
  if (isTls(code)) {
    const message = `no trust between this dispatcher and the Docker engine at ${url} (${code}): check ca, cert and key of the pool's tls, and that the certificate names this host`;
    return new EngineFault({ kind: "settings", message }, error);
  }
  const words = error instanceof Error ? error.message : String(error);
  return new EngineFault(
    {
      kind: "unavailable",
      message: `the connection to the Docker engine at ${url} failed: ${code || words}`,
    },
    error,
  );
}

const ABSENT =
  "no Docker engine answers at URL: check that it runs (systemctl status docker) and the pool's host";
const SILENT =
  "the Docker engine at URL accepts calls but does not answer in time: look at its log and its disk";
const CUT = "the Docker engine at URL closed the connection before its answer: it may be restarting";

const TROUBLES: { readonly [code: string]: EngineTrouble } = {
  ENOENT: { kind: "unavailable", message: ABSENT },
  ECONNREFUSED: { kind: "unavailable", message: ABSENT },
  EHOSTUNREACH: { kind: "unavailable", message: ABSENT },
  ENETUNREACH: { kind: "unavailable", message: ABSENT },
  EAI_AGAIN: { kind: "unavailable", message: ABSENT },
  UND_ERR_CONNECT_TIMEOUT: { kind: "unavailable", message: ABSENT },
  ENOTFOUND: { kind: "settings", message: "the host of the Docker engine, URL, is unknown: check its name" },
  EACCES: {
    kind: "settings",
    message:
      "this user may not open the Docker engine's socket at URL: add it to the socket's group (docker)",
  },
  EPERM: {
    kind: "settings",
    message:
      "this user may not open the Docker engine's socket at URL: add it to the socket's group (docker)",
  },
  ENOTSOCK: { kind: "settings", message: "URL is no socket: check the pool's host" },
  TimeoutError: { kind: "unavailable", message: SILENT },
  AbortError: { kind: "unavailable", message: SILENT },
  UND_ERR_SOCKET: { kind: "unavailable", message: CUT },
  ECONNRESET: { kind: "unavailable", message: CUT },
  EPIPE: { kind: "unavailable", message: CUT },
  HTTPParserError: {
    kind: "settings",
    message:
      "what listens at URL does not speak plain HTTP: set tls for an engine with TLS, or check the port",
  },
};

function isTls(code: string): boolean {
  return /^(ERR_(TLS|SSL|OSSL)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/.test(code);
}

/** The most telling code: undici wraps, and a name with several addresses gives an AggregateError. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const inner = error instanceof AggregateError ? codeOf(error.errors[0]) : codeOf(error.cause);
  if (inner !== "") return inner;
  if (NAMED.has(error.name)) return error.name;
  return "code" in error && error.code !== undefined ? String(error.code) : "";
}

/** Their codes are numbers, many or missing. */
const NAMED = new Set(["TimeoutError", "AbortError", "HTTPParserError"]);
