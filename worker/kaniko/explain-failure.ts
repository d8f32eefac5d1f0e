// What most often lies behind a builder's last words, as a sentence with what to do. Pure.

const REASONS: readonly { readonly words: RegExp; readonly sentence: string }[] = [
  {
    words: /unknown (?:shorthand )?flag: ?['"]?(-{1,2}[\w-]+)/,
    sentence:
      "the executor does not know a flag of v1.28.3. Is it gcr.io/kaniko-project/executor? Google archived that in June 2025: use ghcr.io/osscontainertools/kaniko",
  },
  {
    words: /unauthorized|denied:|\b401\b|\b403\b|insufficient_scope|authentication required|no basic auth/i,
    sentence:
      "a registry refused the login. Check config.json in /kaniko/.docker (the registry's name is its key, https://index.docker.io/v1/ for Docker Hub), and that the account may push there",
  },
  {
    words: /toomanyrequests|too many requests|\b429\b/i,
    sentence: "a registry counts pulls and has no more for now. Log in to it, or use a mirror",
  },
  {
    words: /x509|certificate signed by unknown authority|server gave HTTP response to HTTPS client/i,
    sentence:
      "the builder does not trust a registry's certificate. kaniko takes --registry-certificate or --insecure-registry, BuildKit its buildkitd.toml",
  },
  {
    words:
      /no such host|connection refused|i\/o timeout|TLS handshake timeout|network is unreachable|no route to host|server misbehaving/i,
    sentence:
      "a registry cannot be reached from the builder. Check its name, the pool's proxy variables and the network policy",
  },
  {
    words: /no space left on device/i,
    sentence:
      "the builder has no space left. Give it more, or make the image in smaller layers, with what is not needed in .dockerignore",
  },
  {
    words: /(?:chown|lchown|setxattr|chmod|mknod) .*(?:operation not permitted|permission denied)/i,
    sentence:
      "the builder lacks a right that unpacking an image needs: it runs as root with CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETFCAP, SETGID and SETUID",
  },
];

/** `words`: the end of its output. Undefined where they name nothing that is known. */
export function explainFailure(words: string): string | undefined {
  const found = REASONS.map((reason) => ({ ...reason, at: words.search(reason.words) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => b.at - a.at)[0];
  return found === undefined ? undefined : `${found.sentence}.`;
}

/** A stack of Go errors is some 2 kB. */
const TAIL = 8_192;

/** Keeps the end of what is written to it. */
export function createTail() {
  let text = "";
  const decoder = new TextDecoder();
  return {
    add(chunk: Uint8Array) {
      text = (text + decoder.decode(chunk, { stream: true })).slice(-TAIL);
    },
    text: () => text,
  };
}
