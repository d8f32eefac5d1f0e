// What only the user can change: a script says it and ends with code 2.

/** Something outside the program is missing or wrong; the message says it all. */
export class Complaint extends Error {}

/** A fault of the program itself is thrown on, with its trace. */
export function stopForComplaint(error: unknown): never {
  if (!(error instanceof Complaint)) throw error;
  return stopWith(error.message);
}

export function stopWith(message: string): never {
  console.error(message);
  process.exit(2);
}
