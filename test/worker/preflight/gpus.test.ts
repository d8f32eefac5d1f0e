// GPUs: a worker judges its own, and what nvidia-smi cannot read is not healthy.
import { describe, expect, it } from "vitest";
import { type Env, preflightWorld, shows } from "./preflight-world.ts";

const { check, devices } = preflightWorld();

/** As the `local` pool sets them for slots of a host without gaps. */
const gpus = (list: string): Env => ({ NVIDIA_VISIBLE_DEVICES: list, CUDA_VISIBLE_DEVICES: list });

describe("GPUs", () => {
  const line = (index: number, used: string, rest = "24564") => `${index}, ${used}, ${rest}\n`;
  const four = shows([line(0, "20000"), line(1, "3"), line(2, "[Unknown Error]"), line(3, "9")].join(""));

  it("of a whole host: its own only", async () => {
    expect(await check(1, gpus("1"), four)).toMatchObject({ ok: true });
    expect(await check(2, gpus("3,1"), four)).toMatchObject({ ok: true });
    expect(await check(1, { NVIDIA_VISIBLE_DEVICES: "3" }, four)).toMatchObject({ ok: true });
    expect(await check(1, gpus("0"), four)).toMatchObject({
      code: "E_DIRTY",
      message: expect.stringContaining("GPU 0 has 20000 of 24564 MB"),
      badCards: ["0"],
    });
    expect(await check(2, gpus("1,2"), four)).toMatchObject({
      code: "E_HEALTH",
      message: expect.stringContaining('GPU 2 cannot be read ("[Unknown Error]")'),
      badCards: ["2"],
    });
    expect(await check(1, {}, shows(""))).toMatchObject({ code: "E_NO_DEVICE" });
    expect(await check(1, { CUDA_VISIBLE_DEVICES: "7" }, four)).toMatchObject({ code: "E_NO_DEVICE" });
    expect(await check(1, { NVIDIA_VISIBLE_DEVICES: "all" }, four)).toMatchObject({
      message: expect.stringContaining("nothing says which are its own"),
    });
  });

  it("where others are in sight nvidia-smi is asked for its own alone", async () => {
    devices("nvidia0", "nvidia1", "nvidia2", "nvidiactl");
    const own = shows("2, 3, 24564, GPU-2f00, 31\n");
    for (const [env, id] of [
      [gpus("2"), "2"],
      [{ NVIDIA_VISIBLE_DEVICES: "GPU-2f" }, "GPU-2f"],
      [{ NVIDIA_VISIBLE_DEVICES: "2" }, "2"],
    ] as [Env, string][]) {
      const { ok, calls } = await check(1, env, own);
      expect([ok, calls[0]?.at(-1)]).toEqual([true, `--id=${id}`]);
    }
    const broken = shows(
      "Unable to determine the device handle for GPU2: 0000:34:00.0: Unknown Error\n",
      255,
    );
    expect(await check(1, gpus("2"), broken)).toMatchObject({
      code: "E_DRIVER",
      message: expect.stringContaining('exit code 255 ("Unable to determine the device handle for GPU2'),
    });
    expect(await check(1, { NVIDIA_VISIBLE_DEVICES: "all" }, broken)).toMatchObject({ badCards: [] });
  });

  it.each([
    ["[Unknown Error]", "[Unknown Error]"],
    ["[GPU is lost]", "[GPU is lost]"],
    ["ERR!", "24564"],
    ["", "24564"],
    ["412", "[Insufficient Permissions]"],
    ["412", "0x5ff4"],
  ])("%s, %s is not healthy, and quoted", async (used, total) => {
    const { code, message } = (await check(1, gpus("0"), shows(line(0, used, total)))) as {
      code?: string;
      message?: string;
    };
    expect(code).toBe("E_HEALTH");
    expect(message).toContain(/^\d+$/.test(used) ? total : used);
  });

  it("one that must be reset shows its memory still", async () => {
    const reset = shows("0, 0, 24564, GPU-1f, [GPU requires reset]\n");
    expect(await check(1, gpus("0"), reset)).toMatchObject({
      code: "E_HEALTH",
      message: expect.stringContaining("[GPU requires reset]"),
    });
    const mute = shows("0, [N/A], [N/A], GPU-1f, [N/A]\n");
    expect(await check(1, gpus("0"), mute)).toMatchObject({ code: "E_HEALTH" });
    // GB10 has no memory of its own to tell of.
    expect(await check(1, gpus("0"), shows("0, [N/A], [N/A], GPU-1f, 41\n"))).toMatchObject({ ok: true });
  });

  it("an exit code keeps its words", async () => {
    const words = "0, 3, 24564\nWARNING: infoROM is corrupted at gpu 0000:B3:00.0\n";
    expect(await check(1, gpus("0"), shows(words, 14))).toMatchObject({
      code: "E_DRIVER",
      message: expect.stringMatching(/exit code 14 \(".*infoROM is corrupted at gpu 0000:B3:00\.0"\)/),
    });
    expect(await check(1, gpus("0"), shows("No devices were found\n"))).toMatchObject({
      code: "E_NO_DEVICE",
      message: expect.stringContaining("No devices were found"),
    });
  });

  it("in a container they have the host's numbers, in its order", async () => {
    const two = shows(line(0, "3") + line(1, "20000"));
    expect(await check(2, { NVIDIA_VISIBLE_DEVICES: "5,2" }, two)).toMatchObject({
      message: expect.stringContaining("GPU 5 has 20000"),
      badCards: ["5"],
    });
  });

  it.each([
    ["HAMi", { NVIDIA_VISIBLE_DEVICES: "GPU-1f", CUDA_DEVICE_MEMORY_LIMIT_0: "3000m" }],
    ["time slicing, by its pool", { NVIDIA_VISIBLE_DEVICES: "GPU-1f", NPU_DISPATCH_SHARED_CARDS: "1" }],
    ["MIG", { NVIDIA_VISIBLE_DEVICES: "MIG-4f" }],
  ] as [string, Env][])("shared by %s: a neighbour's memory is no fault", async (_name, env) => {
    expect(await check(1, env, shows(line(0, "20000")))).toMatchObject({ ok: true, residue: undefined });
    // Two shares may be of one GPU.
    expect(await check(2, env, shows(line(0, "20000")))).toMatchObject({ ok: true });
    expect(await check(1, env, shows(line(0, "[Unknown Error]")))).toMatchObject({ code: "E_HEALTH" });
    expect(await check(1, env, shows(""))).toMatchObject({ code: "E_NO_DEVICE" });
  });
});
