// How the API server is called: faults in one form, a broken connection tried again, lists read to their end.
import { ApiFault, apiFault, isBrokenConnection } from "./api-fault.ts";

/** Objects per page: 500 Jobs are about 2 MB. */
const PAGE = 500;
/** A list whose continue token expired is read anew; a server that expires them at once is given up. */
const MAX_RESTARTS = 3;
/** A kept connection may have been closed by the other side just now; the second try opens a new one. */
export async function once<T>(action: string, server: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act().catch((error: unknown) => {
      if (isBrokenConnection(error)) return act();
      throw error;
    });
  } catch (error) {
    throw apiFault(error, action, server);
  }
}

export async function unlessMissing<T>(act: () => Promise<T>): Promise<T | undefined> {
  return unlessStatus([404], act);
}

/** 400: its container waits to start. */
export async function unlessWaiting<T>(act: () => Promise<T>): Promise<T | undefined> {
  return unlessStatus([400, 404], act);
}

async function unlessStatus<T>(statuses: readonly number[], act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ApiFault && error.status !== undefined && statuses.includes(error.status))
      return undefined;
    throw error;
  }
}

export type ReadPage<T> = (page: { limit: number; _continue?: string }) => Promise<Page<T>>;
type Page<T> = { readonly items: T[]; readonly metadata?: { readonly _continue?: string } };

export async function pages<T>(read: ReadPage<T>): Promise<T[]> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await readAll(read);
    } catch (error) {
      const expired = error instanceof ApiFault && error.status === 410;
      if (!expired || restarts === MAX_RESTARTS) throw error;
    }
  }
}

async function readAll<T>(read: ReadPage<T>): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const page: Page<T> = await read({ limit: PAGE, ...(next !== undefined && { _continue: next }) });
    items.push(...page.items);
    next = page.metadata?._continue || undefined;
  } while (next !== undefined);
  return items;
}
