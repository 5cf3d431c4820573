/** Thrown when a cluster has done what Raft (or this library) promises never happens. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';

  constructor(
    /** The property's name, with where it is stated. */
    readonly property: string,
    /** What was found, both sides. */
    readonly finding: string,
  ) {
    super(`${property}: ${finding}`);
  }
}

/** Checks what must hold. `finding` is called only when it doesn't. @throws {InvariantViolation} */
export function must(holds: boolean, property: string, finding: () => string): asserts holds {
  if (!holds) throw new InvariantViolation(property, finding());
}
