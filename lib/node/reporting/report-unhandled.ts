import { config } from 'rxjs';

/** Where an exception goes that nobody is there to take: RxJS's own hook when it is set, else standard error. Never the process. */
export function reportUnhandled(error: unknown): void {
  if (config.onUnhandledError !== null) config.onUnhandledError(error);
  else console.error('rxraft: a reporter threw (reported once, then counted in metrics.counters.subscriberErrors):', error);
}
