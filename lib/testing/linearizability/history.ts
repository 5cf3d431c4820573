import type { Call, Outcome } from './model.js';

/** A call in progress. It ends at most once; one that never ends stays open. */
export interface CallHandle<Result> {
  /** It was answered; it took effect by the time of `tookEffect`, if that was called. */
  done(result: Result): void;
  /** Its answer is not heard yet, but it has taken effect: whatever begins from now on comes after it. */
  tookEffect(): void;
  /** Its answer was never heard, but other evidence shows that it took effect with this result: by the time of `tookEffect`, if that was called. */
  happened(result: Result): void;
  /** It certainly had no effect and never will: the history forgets it. */
  failed(): void;
  /** Nobody knows, and nobody will hear more of it. */
  unknown(): void;
}

/**
 * Records what concurrent clients do and are told. A client that retries under a session makes *one* call, from the
 * first attempt to the last answer, since the system promises to do it once. One that retries without a session makes
 * a call for each attempt, and those without an answer are unknown.
 *
 * ```ts
 * const history = new History<KeyValueOperation, KeyValueResult>();
 * const call = history.begin('client 1', { type: 'put', key: 'a', value: '1' });
 * call.done({ type: 'stored', revision: 7 });
 * checkLinearizable(keyValueModel, history.calls).type; // 'linearizable'
 * ```
 */
export class History<Operation, Result> {
  readonly #calls: { call: Call<Operation, Result>; isDropped: boolean }[] = [];
  readonly #now: () => number;

  /** @param now any clock that never goes back. Default: counts the events, which is exact for one recorder. */
  constructor(now?: () => number) {
    let events = 0;
    this.#now = now ?? (() => ++events);
  }

  /** In the order in which they began, without those that failed. */
  get calls(): Call<Operation, Result>[] {
    return this.#calls.filter(({ isDropped }) => !isDropped).map(({ call }) => call);
  }

  begin(client: string, operation: Operation): CallHandle<Result> {
    const record = { call: { client, operation, start: this.#now(), outcome: { type: 'open' } as Outcome<Result> }, isDropped: false };
    this.#calls.push(record);
    let effectBy = Infinity;
    let hasEnded = false;
    const end = (outcome: Outcome<Result>): void => {
      if (hasEnded) throw new Error(`the call of ${client} has ended already`);
      hasEnded = true;
      record.call = { ...record.call, outcome };
    };
    return {
      done: (result) => end({ type: 'returned', at: Math.min(effectBy, this.#now()), result }),
      tookEffect: () => {
        effectBy = Math.min(effectBy, this.#now());
      },
      happened: (result) => end({ type: 'returned', at: effectBy, result }),
      failed: () => {
        end({ type: 'open' });
        record.isDropped = true;
      },
      unknown: () => end({ type: 'open' }),
    };
  }
}
