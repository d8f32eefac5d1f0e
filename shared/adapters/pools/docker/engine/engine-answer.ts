// Reads what an engine answered.
import * as z from "zod/mini";

export type EngineAnswer = { readonly status: number; readonly text: string };

const fault = z.object({ message: z.string() });

/** Longest part of an engine's own words that is passed on; runc's chains of causes are about 300 characters. */
const MAX_WORDS = 400;

/** The engine's own words on one line; its status where it has none. */
export function wordsOf({ status, text }: EngineAnswer): string {
  const parsed = fault.safeParse(parseJson(text));
  const words = parsed.success ? parsed.data.message : text;
  return words.replaceAll(/\s+/g, " ").trim().slice(0, MAX_WORDS) || `status ${status}`;
}

/** Of a creation. Podman 4 answers 500 with these words, Docker and Podman 5 answer 409. */
export function isNameTaken(answer: EngineAnswer): boolean {
  return answer.status === 409 || (answer.status === 500 && /already in use/.test(wordsOf(answer)));
}

/** Throws for what no engine answers: there is no sensible way on from it. */
export function readAnswer<Schema extends z.ZodMiniType>(
  schema: Schema,
  answer: EngineAnswer,
  what: string,
): z.infer<Schema> {
  if (answer.status !== 200)
    throw new Error(`${what}: the engine answered ${answer.status}, ${wordsOf(answer)}`);
  const parsed = schema.safeParse(parseJson(answer.text));
  if (parsed.success) return parsed.data;
  throw new Error(`${what}: the engine's answer is not what the Docker API says`, { cause: parsed.error });
}

/** Undefined for what is no JSON: a proxy's page. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
