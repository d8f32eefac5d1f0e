// The text of `npu-smi info` and its relatives, read by its bars and never by its columns: widths, headers and the number
// of rows per NPU differ between A2, A3, 310P, Duo and releases 24 to 26. Pure; any text has an answer.

type Chip = {
  /** The host's number of the NPU, also inside a container. */
  readonly npu: number;
  readonly chip: number;
  /** The number in `/dev/davinci3` on the host: Phy-ID or Device where the table has it, else the NPU's. */
  readonly card: number;
  readonly name: string;
  /** OK, Warning, Alarm, Critical, UNKNOWN or what a later driver says; may be empty. */
  readonly health: string;
  /** HBM where the chip has it, else its memory. Undefined when it cannot be read. */
  readonly memory: { readonly usedMb: number; readonly totalMb: number } | undefined;
  /** Of its rows what should be there and cannot be read, as it stands there. */
  readonly unread?: string;
};

/** `pid` is the host's, or what stands in its place. */
type ChipProcess = { readonly npu: number; readonly chip: number; readonly pid: number | string };

export type NpuTable = { readonly chips: readonly Chip[]; readonly processes: readonly ChipProcess[] };

type Head = Pick<Chip, "npu" | "name" | "health">;

/** Each chip has two rows, the NPU's name and health first. */
export function parseNpuTable(text: string): NpuTable {
  const chips: Chip[] = [];
  const processes: ChipProcess[] = [];
  let head: Head | undefined;
  for (const cells of rows(text)) {
    const process = readProcess(cells);
    if (process) processes.push(process);
    const first = readFirstRow(cells);
    if (head) chips.push(first ? torn(head, "its second row is missing") : readChip(head, cells));
    head = first;
  }
  if (head) chips.push(torn(head, "its second row is missing"));
  return { chips, processes };
}

function readChip(head: Head, cells: string[]): Chip {
  const second = readSecondRow(cells);
  if (second === undefined) return torn(head, cells.join(" | "));
  const { chip, card = head.npu, memory, usage } = second;
  return { ...head, chip, card, memory, ...(memory === undefined && { unread: usage }) };
}

function torn(head: Head, unread: string): Chip {
  return { ...head, chip: 0, card: head.npu, memory: undefined, unread };
}

/** The number in `ret is -8020`, or undefined. */
export function parseNpuError(text: string): number | undefined {
  const code = /\bret is (-\d{1,9})\b/.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}

/**
 * The words of `npu-smi info -t health`, in its card form (`Health : OK`, one per chip) and its chip form (`Health Status
 * : OK`).
 */
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
function readFirstRow([first = "", health = "", ...others]: string[]): Head | undefined {
  const match = /^(\d{1,9})\s+([A-Za-z0-9]*[A-Za-z][\w-]*)$/.exec(first);
  if (!match || others.length !== 1) return undefined;
  return { npu: Number(match[1]), name: match[2] ?? "", health };
}

/** `| 0     12 | 0000:85:00.0 | 17   0 / 0   50719/ 65536 |`; the second number is missing on A2. */
function readSecondRow([first = "", _bus, usage, ...others]: string[]) {
  const match = /^(\d{1,9})(?:\s+(\d{1,9}))?$/.exec(first);
  if (!match || usage === undefined || others.length > 0) return undefined;
  const card = match[2] === undefined ? undefined : Number(match[2]);
  return { chip: Number(match[1]), card, memory: readMemory(usage), usage };
}

/** The last pair is HBM where the chip has it; chips without HBM have one pair, or an empty one last. */
function readMemory(usage: string): Chip["memory"] {
  const pairs = [...usage.matchAll(/(\S+?)\s*\/\s*(\S+)/g)].reverse();
  const pair = pairs.find(([, used, total]) => !(used === "0" && total === "0"));
  const [, used = "", total = ""] = pair ?? [];
  if (!/^\d{1,12}$/.test(used) || !/^\d{1,12}$/.test(total) || Number(total) === 0) return undefined;
  return { usedMb: Number(used), totalMb: Number(total) };
}

/** `| 2     0 | 1333928 |   | 37709 |` */
function readProcess([chip = "", pid = "", ...others]: string[]): ChipProcess | undefined {
  const match = /^(\d{1,9})\s+(\d{1,9})$/.exec(chip);
  if (!match || others.length !== 2 || [pid, ...others].every((cell) => cell === "")) return undefined;
  return {
    npu: Number(match[1]),
    chip: Number(match[2]),
    pid: /^\d{1,12}$/.test(pid) ? Number(pid) : `"${pid}"`,
  };
}
