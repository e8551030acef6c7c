/** Thrown when the program contradicts itself. Nothing catches it to go on; a handler turns it into UNKNOWN_SERVER_ERROR. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new InvariantError(what);
}

/** For the `default` of a switch over a union: a new member fails to compile until it is considered. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected ${String(value)}`);
}
