// What the worker may ask of the supervisor over their pipe, and what it is told: JSON, one message a line, nothing else
// accepted.
//
//   {"type":"start","id":1,"program":"/home/runner/run.sh","args":[],"cwd":"/home/runner","env":{}}   under the runner's user, always
//   {"type":"signal","id":1,"signal":"SIGINT"}    SIGINT to its group, SIGKILL to all it started
//   {"type":"clean"}                              ends what the runner's user still runs, removes the job's work folder
//
//   {"type":"line","id":1,"line":"√ Connected to GitHub"}
//   {"type":"ended","id":1,"end":{"type":"exited","code":0,"stragglers":0,"undead":0}}
//   {"type":"cleaned","killed":0,"undead":0,"left":0}
import * as z from "zod/mini";
import { parseJson } from "../parse-json.ts";
import { createLineSplitter } from "../process/line-splitter.ts";

const id = z.int().check(z.gte(1));
const text = z.string().check(z.refine((value) => !value.includes("\0")));
const absolute = text.check(z.refine((value) => value.startsWith("/")));
const count = z.int().check(z.gte(0));

const request = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("start"),
    id,
    /** A path, or a name that PATH of `env` finds. */
    program: text.check(z.refine((value) => value !== "" && !value.startsWith("-"))),
    args: z.array(text),
    cwd: absolute,
    env: z.record(z.string().check(z.regex(/^[^=\0]+$/)), text),
  }),
  z.strictObject({ type: z.literal("signal"), id, signal: z.enum(["SIGINT", "SIGKILL"]) }),
  z.strictObject({ type: z.literal("clean") }),
]);
export type Request = z.infer<typeof request>;

const end = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("exited"),
    code: z.optional(z.number()),
    signal: z.optional(z.string()),
    stragglers: count,
    undead: count,
  }),
  z.strictObject({ type: z.literal("not-started"), message: z.string() }),
]);

const reply = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("line"), id, line: z.string() }),
  z.strictObject({ type: z.literal("ended"), id, end }),
  z.strictObject({ type: z.literal("cleaned"), killed: count, undead: count, left: count }),
]);
export type Reply = z.infer<typeof reply>;

/** A job's input is below 128 kB, the rest of an environment below 1 MB. */
const LONGEST_MESSAGE = 4_194_304;

export function encode(message: Request | Reply): string {
  return `${JSON.stringify(message)}\n`;
}

/** For the chunks of one direction. `onFault` once: after it nothing more is read. */
export function requestReader(onRequest: (request: Request) => void, onFault: () => void) {
  return reader(request, onRequest, onFault);
}

export function replyReader(onReply: (reply: Reply) => void, onFault: () => void) {
  return reader(reply, onReply, onFault);
}

function reader<T>(schema: z.ZodMiniType<T>, onMessage: (message: T) => void, onFault: () => void) {
  let broken = false;
  const lines = createLineSplitter((line) => {
    if (broken) return;
    const parsed = schema.safeParse(parseJson(line));
    if (parsed.success) return onMessage(parsed.data);
    broken = true;
    onFault();
  }, LONGEST_MESSAGE);
  return (chunk: Buffer) => lines.push(chunk);
}
