/** Thrown when something that Raft proves can't happen has happened. The node must stop rather than guess. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * Asserts what must hold.
 * @param message is asked only when it does not: to put its numbers into words would cost more than an append.
 * @throws {InvariantError}
 */
export function invariant(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new InvariantError(message());
}
