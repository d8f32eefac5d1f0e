// The text of `npu-smi info` and its relatives, read by its bars and never by its columns: widths, headers and the number of
// rows per NPU differ between A2, A3, 310P, Duo and releases 24 to 26. Pure; any text has an answer.

type Chip = {
  /** The host's number of the NPU, also inside a container. */
  readonly npu: number;
  readonly chip: number;
  /** The number in `/dev/davinci3` on the host: Phy-ID or Device where the table has it, else the NPU's. */
  readonly card: number;
  readonly name: string;
  /** OK, Warning, Alarm, Critical, UNKNOWN or what a later driver says. */
  readonly health: string;
  /** HBM where the chip has it, else its memory. Undefined when the table does not say. */
  readonly memory: { readonly usedMb: number; readonly totalMb: number } | undefined;
};

/** `pid` is the host's. */
type ChipProcess = { readonly npu: number; readonly chip: number; readonly pid: number };

export type NpuTable = { readonly chips: readonly Chip[]; readonly processes: readonly ChipProcess[] };

export function parseNpuTable(text: string): NpuTable {
  const chips: Chip[] = [];
  const processes: ChipProcess[] = [];
  let head: { npu: number; name: string; health: string } | undefined;
  for (const cells of rows(text)) {
    const process = readProcess(cells);
    if (process) processes.push(process);
    const first = readFirstRow(cells);
    const chip = head && readSecondRow(cells);
    if (head && chip) chips.push({ ...head, ...chip, card: chip.card ?? head.npu });
    // Each chip has two rows, the NPU's name and health first.
    head = first;
  }
  return { chips, processes };
}

/** The number in `ret is -8020`, or undefined. */
export function parseNpuError(text: string): number | undefined {
  const code = /\bret is (-\d{1,9})\b/.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}

/** The words of `npu-smi info -t health`, in its card form (`Health : OK`, one per chip) and its chip form (`Health Status : OK`). */
export function parseHealthWords(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*Health(?: Status)?[ \t]*:[ \t]*(\w+)[ \t]*$/gm)].map(
    (match) => match[1] ?? "",
  );
}

function rows(text: string): string[][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** `| 6     Ascend910 | OK | 243.3  53  0 / 0 |` */
function readFirstRow([first = "", health = "", ...others]: string[]) {
  const match = /^(\d{1,9})\s+([A-Za-z0-9]*[A-Za-z][\w-]*)$/.exec(first);
  if (!match || others.length !== 1 || !/^[A-Za-z]+$/.test(health)) return undefined;
  return { npu: Number(match[1]), name: match[2] ?? "", health };
}

/** `| 0     12 | 0000:85:00.0 | 17   0 / 0   50719/ 65536 |`; the second number is missing on A2. */
function readSecondRow([first = "", bus = "", usage = "", ...others]: string[]) {
  const match = /^(\d{1,9})(?:\s+(\d{1,9}))?$/.exec(first);
  if (!match || others.length > 0 || !/^(?:[\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}\.\d|NA|-)$/i.test(bus))
    return undefined;
  const card = match[2] === undefined ? undefined : Number(match[2]);
  return { chip: Number(match[1]), card, memory: readMemory(usage) };
}

/** The last pair is HBM where the chip has it; chips without HBM have one pair only. */
function readMemory(usage: string): Chip["memory"] {
  const pairs = [...usage.matchAll(/(\d{1,12})\s*\/\s*(\d{1,12})/g)];
  const pair = pairs.reverse().find((match) => Number(match[2]) > 0);
  return pair && { usedMb: Number(pair[1]), totalMb: Number(pair[2]) };
}

/** `| 2     0 | 1333928 |   | 37709 |` */
function readProcess([chip = "", pid = "", ...others]: string[]): ChipProcess | undefined {
  const match = /^(\d{1,9})\s+(\d{1,9})$/.exec(chip);
  if (!match || others.length !== 2 || !/^\d{1,12}$/.test(pid)) return undefined;
  return { npu: Number(match[1]), chip: Number(match[2]), pid: Number(pid) };
}
