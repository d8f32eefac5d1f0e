// The pure parts of the Docker pool: frames of a log, a file in an archive, names of images.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tailOfFrames } from "../../../shared/adapters/pools/docker/engine/log-frames.ts";
import { readTarFile } from "../../../shared/adapters/pools/docker/engine/read-tar.ts";
import { registryOf, withTag } from "../../../shared/adapters/pools/docker/images/registry-auth.ts";

/** `bytes` in pieces of `sizes`, the last one repeated. */
async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[Math.min(piece, sizes.length - 1)] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function frame(payload: string, stream: number): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });

describe("frames of a log", () => {
  test("any lines, cut anywhere, come out whole and in order", async () => {
    const line = fc.string({ maxLength: 40, unit: "grapheme" }).map((text) => text.replaceAll("\n", ""));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(line, fc.constantFrom(1, 2))),
        sizes,
        fc.nat(10),
        async (lines, cuts, count) => {
          const bytes = Buffer.concat(lines.map(([text, stream]) => frame(`${text}\n`, stream)));
          const wanted = count === 0 ? lines.length : count;
          const expected = lines.map(([text]) => text).slice(-wanted);
          expect(await tailOfFrames(inPieces(bytes, cuts), wanted || 1)).toEqual(expected);
        },
      ),
    );
  });

  test("64 kB at most, without the line that this cuts", async () => {
    const bytes = Buffer.concat(
      Array.from({ length: 100 }, (_, index) => frame(`${index} ${"x".repeat(1_000)}\n`, 1)),
    );
    const tail = await tailOfFrames(inPieces(bytes, [4_096]), 1_000);
    expect(tail.length).toBeGreaterThan(60);
    expect(tail[0]).toMatch(/^\d+ x{1000}$/);
    const long = await tailOfFrames(inPieces(frame("y".repeat(100_000), 1), [4_096]), 5);
    expect(long).toEqual(["y".repeat(64 * 1024)]);
  });
});

describe("a file in an archive", () => {
  async function archive(
    make: (path: string) => Promise<void>,
    options: readonly string[] = [],
  ): Promise<Buffer> {
    const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-tar-"));
    try {
      await make(join(dir, "result.json"));
      return execFileSync("tar", ["-C", dir, ...options, "-cf", "-", "result.json"]);
    } finally {
      await rm(dir, { recursive: true });
    }
  }

  test("its text, however the archive is cut, with and without further attributes", async () => {
    const text = `{"output":"${"ü".repeat(2_000)}"}`;
    for (const format of ["--format=ustar", "--format=gnu", "--format=pax"]) {
      const bytes = await archive((path) => writeFile(path, text), [format]);
      await fc.assert(
        fc.asyncProperty(sizes, async (cuts) => {
          expect(await readTarFile(inPieces(bytes, cuts), 10_000)).toBe(text);
        }),
        { numRuns: 20 },
      );
    }
  });

  test("nothing for a link, a file that is too large, an archive cut off, or no archive", async () => {
    const link = await archive((path) => symlink("/etc/shadow", path));
    expect(await readTarFile(inPieces(link, [512]), 10_000)).toBeUndefined();
    const large = await archive((path) => writeFile(path, "x".repeat(2_000)));
    expect(await readTarFile(inPieces(large, [512]), 1_999)).toBeUndefined();
    expect(await readTarFile(inPieces(large.subarray(0, 1_500), [512]), 10_000)).toBeUndefined();
    expect(await readTarFile(inPieces(Buffer.from('{"message":"no"}'), [5]), 10_000)).toBeUndefined();
    expect(await readTarFile(inPieces(Buffer.alloc(2_000, "x"), [100]), 10_000)).toBeUndefined();
  });
});

test.each([
  ["ubuntu", "docker.io", "ubuntu:latest"],
  ["ubuntu:22.04", "docker.io", "ubuntu:22.04"],
  ["ascendai/cann:8", "docker.io", "ascendai/cann:8"],
  ["localhost/a", "localhost", "localhost/a:latest"],
  ["hub:5000/a/b", "hub:5000", "hub:5000/a/b:latest"],
  ["swr.example.com/a@sha256:00", "swr.example.com", "swr.example.com/a@sha256:00"],
])("image %s is from %s, and pulled as %s", (image, host, pulled) => {
  expect(registryOf(image)).toBe(host);
  expect(withTag(image)).toBe(pulled);
});
