/** An error as a log line tells it: with its stack, for what should never happen. */
export function failure(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
