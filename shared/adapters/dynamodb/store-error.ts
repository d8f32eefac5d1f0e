// DynamoDB's faults as errors of the store, with what to do about them.
import { StoreError } from "../../ports/store.ts";
import { DynamoFault } from "./call.ts";

export function storeError(error: unknown, operation: string, table: string): StoreError {
  const what = `DynamoDB ${operation} on table "${table}" failed`;
  if (!(error instanceof DynamoFault)) {
    return new StoreError(`${what}. See the cause.`, { retryable: false, cause: error });
  }
  const { code, message, retryable, effectUnknown } = error;
  const advice = retryable
    ? "Try again; if it stays so, look at DynamoDB's health and limits."
    : ADVICE[code];
  return new StoreError(`${what}: ${code}: ${message}. ${advice ?? "See the cause."}`, {
    retryable: retryable || effectUnknown,
    cause: error,
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  AccessDeniedException: "Give the function's role this action on the table and its indexes.",
  ExpiredTokenException: "The credentials have expired: pass new ones.",
  ResourceNotFoundException: "Check the table's name and region, or deploy the stack.",
  UnrecognizedClientException: "Check the credentials and the region.",
};
