/**
 * What a call needs of an `AbortSignal`, which is one. Who starts thousands of calls a second may bring a signal of its own: to
 * add a listener to an `AbortSignal` and to take it off again costs more than most of what else a call does.
 *
 * Who implements one owes what an `AbortSignal` gives: once it is `aborted` it stays so, with the same reason, which is in
 * place before the first listener is called; each listener is called once, not after it was removed, and not while it is added.
 *
 * @example
 * const impatience: CallSignal = AbortSignal.timeout(100);
 * await node.propose(command, { signal: impatience });
 */
export interface CallSignal {
  readonly aborted: boolean;
  /** Why it is aborted. */
  readonly reason: unknown;
  /** @throws its reason, once it is aborted. */
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
