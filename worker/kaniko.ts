// Entry of the image's `kaniko` command: process → build → exit code; nothing else.
import process from "node:process";
import { build } from "./kaniko/build.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const { env } = process;

process.exitCode = await build(process.argv.slice(2), {
  env,
  cwd: process.cwd(),
  uid: process.getuid?.(),
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
  complain: (sentence) => process.stderr.write(`kaniko: ${sentence}\n`),
  onSignal(handle) {
    for (const signal of SIGNALS) process.on(signal, handle);
    return () => {
      for (const signal of SIGNALS) process.off(signal, handle);
    };
  },
});
