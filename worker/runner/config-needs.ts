// What config.sh of actions/runner demands of the machine before it does anything. Asked before a registration, which
// would be for nothing; a runner with a JIT config has no config.sh.
import type { RunProgram } from "../process/run-program.ts";

/**
 * The checks of config.sh, 258d6c857, lines 12-63, with the names of what is missing. A runner without .NET's own library
 * is another one, and needs none of it.
 */
const CHECK = `
cd "$1" && [ -e bin/libcoreclr.so ] || exit 0
if command -v ldd >/dev/null; then
  for name in coreclr System.Security.Cryptography.Native.OpenSsl System.IO.Compression.Native; do
    ldd "./bin/lib$name.so" 2>/dev/null | sed -n 's/^[[:space:]]*\\([^ ]*\\) => not found.*/\\1/p'
  done
else echo ldd; fi
ldconfig=$(command -v ldconfig) || ldconfig=/sbin/ldconfig
if [ -x "$ldconfig" ]; then
  "$ldconfig" -NXv $(echo "$LD_LIBRARY_PATH" | tr : ' ') 2>&1 | grep -q libicu || echo libicu
else echo ldconfig; fi`;
const CHECK_MS = 20_000;

/** Why config.sh would refuse; undefined: it would not, or nobody can tell. */
export async function configLacks(home: string, run: RunProgram): Promise<string | undefined> {
  const result = await run("sh", ["-c", CHECK, "sh", home], CHECK_MS);
  if (result.type !== "exited" || result.code !== 0) return undefined;
  const missing = [...new Set(result.output.split("\n").filter((name) => name !== ""))];
  if (missing.length === 0) return undefined;
  const names = missing.join(", ");
  return `config.sh of actions/runner would refuse for what is missing here: ${names}. Install it (as root: ${home}/bin/installdependencies.sh; ldd and ldconfig are in libc-bin), or let runners register with registration: jit, which needs no config.sh.`;
}
