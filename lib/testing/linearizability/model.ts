/** What became of a call. */
export type Outcome<Result> =
  /** It was answered at that time. `Infinity`: nobody heard the answer, but it is known to have had this result. */
  | { readonly type: 'returned'; readonly at: number; readonly result: Result }
  /** Nobody knows: it may have taken effect at any moment after it began, may do so yet, or never; if at all then by `until`, where that is given. */
  | { readonly type: 'open'; readonly until?: number };

/** When the call was over at the latest; Infinity when nobody knows. */
export function endOf({ outcome }: Call<unknown, unknown>): number {
  return outcome.type === 'returned' ? outcome.at : (outcome.until ?? Infinity);
}

/** One call of a client. Times are any numbers that grow; calls that touch at one time overlap. */
export interface Call<Operation, Result> {
  readonly client: string;
  readonly operation: Operation;
  readonly start: number;
  readonly outcome: Outcome<Result>;
}

/**
 * What the system would do if it did one thing at a time. A state is plain data and never changes.
 *
 * A state may be what is *known* of the system's: the revision that an unanswered write received is unknown until
 * somebody reads it. Then a step also learns, and an unanswered call must leave at least as much possible as the same
 * call with any answer: who forgets an answer must not make a good history bad.
 */
export interface Model<State, Operation, Result> {
  readonly initial: State;
  /** The state after the operation; undefined when it can't have this result here. */
  step(state: State, operation: Operation, result: Result): State | undefined;
  /** The state after the operation takes effect and nobody learns its result; undefined when it has no effect here. */
  stepOpen(state: State, operation: Operation): State | undefined;
  /** A text that equal states share and others don't. */
  identify(state: State): string;
  /**
   * The part of the state that the operation is about, by name. Parts are checked one by one, so an operation must
   * neither see nor change any other. Default: all is one part.
   */
  partition?(operation: Operation): string;
  /** Whether a call with this result never changes the system, wherever it is placed; what it teaches aside. Default: no call. */
  isRead?(operation: Operation, result: Result): boolean;
  /**
   * Whether the operation can have this result here or in any state that follows. Default: always. The sooner this
   * says no, the shorter the search.
   */
  isStillPossible?(state: State, operation: Operation, result: Result): boolean;
  /**
   * Given all calls of a part: names for open calls, equal for those that nobody can tell apart, so that exchanging
   * one for the other leaves every result as it is. Null: like no other. Default: all null.
   */
  openKinds?(calls: readonly Call<Operation, Result>[]): (operation: Operation) => string | null;
  /** How values come and go, for a state that is a register. Default: nothing is known about it. */
  readonly values?: ModelValues<State, Operation, Result>;
  /** Words for people. Default: JSON. */
  readonly words?: ModelWords<State, Operation, Result>;
}

/**
 * A register's value changes only by calls that say which one they leave. Then a search that has left a value behind
 * knows at once that it went wrong when a call still needs it and none can write it any more.
 */
export interface ModelValues<State, Operation, Result> {
  of(state: State): string;
  /** The value after the call if it takes effect; null when it never changes the value. `result` is undefined for an open call. */
  left(operation: Operation, result: Result | undefined): string | null;
  /** The one value at which the call can have this result; null when there may be several. */
  needed(operation: Operation, result: Result): string | null;
}

/** How a model speaks. Each on one line. */
export interface ModelWords<State, Operation, Result> {
  operation(operation: Operation): string;
  result(result: Result): string;
  state(state: State): string;
  /** The states in which the operation can have this result: `the value "1"`. */
  needs(operation: Operation, result: Result): string;
}

/** The model's words, or JSON. */
export function wordsOf<State, Operation, Result>(model: Model<State, Operation, Result>): ModelWords<State, Operation, Result> {
  return (
    model.words ?? {
      operation: (operation) => JSON.stringify(operation),
      result: (result) => JSON.stringify(result),
      state: (state) => JSON.stringify(state),
      needs: (_, result) => `a state that gives ${JSON.stringify(result)}`,
    }
  );
}
