// Fails early, with a sentence, where the pinned Node did not install (it comes with npm ci on Linux x64 and arm64).
const [major] = process.versions.node.split(".").map(Number);
const NEEDED = 24;
if (major < NEEDED) {
  console.error(
    `npu-dispatch runs on Node ${NEEDED} or later; this is ${process.version} (${process.platform} ${process.arch}).\n` +
      "On Linux x64 and arm64 `npm ci` brings it along: run it without --omit=optional. Elsewhere install Node 24 yourself.",
  );
  process.exit(1);
}
