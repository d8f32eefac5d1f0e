// What a loader prints when a program cannot run for want of a shared library: glibc, musl, Python, NVIDIA's own words.

/** Its name, such as `libc_sec.so`; undefined where nothing of the kind was said. */
export function missingLibrary(output: string): string | undefined {
  return LOADERS.map((words) => words.exec(output)?.[1]).find((name) => name !== undefined);
}

const LOADERS = [
  /error while loading shared libraries: (\S+?):/,
  /Error loading shared library (\S+?):/,
  /(\S+\.so[\w.]*): cannot open shared object file/,
  /couldn't find (\S+\.so[\w.]*) library/,
];
