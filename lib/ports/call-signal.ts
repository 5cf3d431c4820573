/**
 * What a call needs of an `AbortSignal`, which is one. Who starts thousands of calls a second may bring a signal of its own: to
 * add a listener to an `AbortSignal` and to take it off again costs more than most of what else a call does.
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
