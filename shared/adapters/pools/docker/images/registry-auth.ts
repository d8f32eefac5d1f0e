// The login that an engine sends to a registry with a pull.
import type { DockerPoolSettings, RegistryLogin } from "../settings.ts";

export type SecretSource = {
  readonly env: { readonly [name: string]: string | undefined };
  /** Throws when the file cannot be read. */
  readonly readFile: (path: string) => string;
};

export type RegistryAuth = { readonly [header: string]: string };

/** Header of a pull; none for a registry without a login. Throws when the password is not where it should be. */
export function registryAuth(
  image: string,
  registries: DockerPoolSettings["registries"],
  source: SecretSource,
): RegistryAuth {
  const host = registryOf(image);
  const login = registries.find((entry) => entry.host === host);
  if (login === undefined) return {};
  const auth = { username: login.username, password: passwordOf(login, source), serveraddress: host };
  return { "x-registry-auth": Buffer.from(JSON.stringify(auth)).toString("base64url") };
}

/** As Docker has it: the part before the first slash is a host when it has a dot or a port, or is localhost. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : "docker.io";
}

/** With a tag: without one an engine pulls them all. */
export function withTag(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return /[:@]/.test(name) ? image : `${image}:latest`;
}

function passwordOf(login: RegistryLogin, source: SecretSource): string {
  const { host, passwordEnv, passwordFile } = login;
  const password = passwordEnv === undefined ? fromFile(login, source) : source.env[passwordEnv];
  if (password?.trim()) return password.trim();
  const place = passwordEnv ?? passwordFile ?? "passwordEnv or passwordFile";
  throw new Error(`the password for the registry ${host} is empty: set ${place}`);
}

function fromFile({ host, passwordFile }: RegistryLogin, source: SecretSource): string | undefined {
  if (passwordFile === undefined) return undefined;
  try {
    return source.readFile(passwordFile);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new Error(`the password for the registry ${host} cannot be read from ${passwordFile} (${code})`, {
      cause: error,
    });
  }
}
