/** Thrown when something that Raft proves can't happen has happened. The node must stop rather than guess. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Asserts what must hold. @throws {InvariantError} */
export function invariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new InvariantError(message);
}
