// One call of the operator plane, with the address and the key of the environment.
import { readFileSync } from "node:fs";

/** A drain ends its workers, a resume starts what waits: both before the answer. */
const ANSWER_MS = 60_000;

export async function call(method: string, route: string, fields?: object): Promise<unknown> {
  const { DISPATCH_URL: url = "", ADMIN_KEY_FILE: file } = process.env;
  const key = (process.env["ADMIN_KEY"] || (file ? keyIn(file) : "")).trim();
  if (url === "" || key === "") {
    throw new Error("Set DISPATCH_URL to the dispatcher's address, and ADMIN_KEY or ADMIN_KEY_FILE.");
  }
  if (!/^https?:\/\/[^/]/.test(url)) {
    throw new Error(`DISPATCH_URL is "${url}": write it with its scheme, as https://dispatch.example.org.`);
  }
  const response = await send(`${url.replace(/\/+$/, "")}/admin/${route}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
    // The key goes to this address and to no other.
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(`${response.status}: ${detailOf(text)}`);
}

function keyIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`ADMIN_KEY_FILE cannot be read: ${message}. Correct the path, or set ADMIN_KEY.`, {
      cause: error,
    });
  }
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new Error(`${url} did not answer (${why}). Is DISPATCH_URL right, and does the dispatcher run?`, {
      cause: error,
    });
  }
}

/** What a proxy in between says is no JSON. */
function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === "string" ? detail : text;
  } catch (error) {
    if (error instanceof SyntaxError) return text.slice(0, 200);
    throw error;
  }
}
