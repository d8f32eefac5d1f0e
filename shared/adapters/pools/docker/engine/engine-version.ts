// Which version of the Docker Engine API to speak.

/**
 * Docker 29 speaks nothing older: https://docs.docker.com/engine/release-notes/29/. What we use is the same from 1.41 on,
 * which is what Docker 20.10 and Podman 4 and 5 speak at most.
 */
const WANTED = "1.44";

/** `newest`: that the engine speaks; `readOldest` asks it for the other end, where that can matter. */
export async function chooseVersion(newest: string, readOldest: () => Promise<string>): Promise<string> {
  if (!isOlder(WANTED, newest)) return newest;
  const oldest = await readOldest();
  return isOlder(WANTED, oldest) ? oldest : WANTED;
}

function isOlder(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major === otherMajor ? minor < otherMinor : major < otherMajor;
}
