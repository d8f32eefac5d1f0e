// actions/runner without a library of .NET's: its own words name a script, or the loader's a file, and no place.
import { missingLibrary } from "../../shared/domain/missing-library.ts";

/** A sentence with a space before it; nothing where the lines say nothing of the kind. */
export function libraryAdvice(lines: readonly string[]): string {
  const text = lines.join("\n");
  const library = missingLibrary(text) ?? NET_OWN.map((words) => words.exec(text)?.[1]).find((name) => name);
  if (library === undefined) return "";
  return ` The runner lacks the shared library ${library}: run bin/installdependencies.sh of its folder where the image is built, or mount it and name its folder in LD_LIBRARY_PATH.`;
}

/** config.sh and the runtime: "Libicu's dependencies is missing for Dotnet Core 6.0", "Couldn't find a valid ICU package". */
const NET_OWN = [/(Libicu|libssl|libkrb5|zlib)'?s? dependencies is missing/i, /find a valid (ICU) package/];
