import type { CallSignal } from '../ports/call-signal.js';

/** Ends calls, as an `AbortController` and its signal in one, for those who make one or listen to one with every call. */
export class Interruption implements CallSignal {
  aborted = false;
  reason: unknown = undefined;
  /** Of the calls that are not answered: seldom more than one. */
  private readonly listeners: (() => void)[] = [];

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const place = this.listeners.indexOf(listener);
    if (place >= 0) this.listeners.splice(place, 1);
  }

  /** The first time counts. Each listener is called once, unless it leaves before its turn; what one throws is uncaught, as an `AbortSignal`'s is, and the rest are told. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (let listener = this.listeners.shift(); listener !== undefined; listener = this.listeners.shift()) {
      try {
        listener();
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }
}
