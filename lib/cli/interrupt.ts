import { EXIT } from './exit.js';

/** Why an interrupt was raised when nobody pressed anything: who read the output has gone (`rxraft events | head`). */
export const OUTPUT_CLOSED = 'the output is closed';

/** The promise, or what `fallback` gives as soon as the signal is aborted. What was asked for is left to itself then. */
export function unlessInterrupted<T, U>(promise: Promise<T>, interrupt: AbortSignal, fallback: () => U): Promise<T | U> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      try {
        resolve(fallback());
      } catch (error) {
        reject(error as Error);
      }
    };
    if (interrupt.aborted) abort();
    interrupt.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => interrupt.removeEventListener('abort', abort));
  });
}

/** Resolves after a while, or at once when it is interrupted. */
export function pause(ms: number, interrupt: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      interrupt.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    interrupt.addEventListener('abort', end);
    if (interrupt.aborted) end();
  });
}

/** How a command ends that lasts until it is interrupted: shells expect 130 of Ctrl-C; a closed output is an ordinary end. */
export function interruptedExit(interrupt: AbortSignal): number {
  return interrupt.reason === OUTPUT_CLOSED ? EXIT.ok : EXIT.interrupted;
}
