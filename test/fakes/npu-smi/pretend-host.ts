// A pretended NPU server: the device files of its cards, which the local pool, its workers and the npu-smi beside this
// file see.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Makes the folder, for NPU_DISPATCH_DEVICE_DIR; answers it. */
export async function pretendHost(folder: string, cards: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const numbers = Array.from({ length: cards }, (_, number) => String(number));
  for (const name of ["_manager", ...numbers]) await writeFile(join(folder, `davinci${name}`), "");
  return folder;
}
