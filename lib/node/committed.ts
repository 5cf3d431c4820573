import { Observable } from 'rxjs';
import type { Entry } from '../core/entry.js';
import type { LogIndex } from '../core/ids.js';
import type { Codec } from '../ports/codec.js';
import type { Committed } from '../ports/state-machine.js';
import type { CommittedOptions } from './raft-node.js';

/** Where applied entries come from. */
export interface AppliedLog {
  readonly appliedIndex: LogIndex;
  readonly progress: Observable<void>;
  readApplied(from: LogIndex, maxBytes: number): Promise<readonly Entry[]>;
}

/** One read from the log while replaying. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The commands of the log from an index on, in order, each once: first what is applied already, read in
 * chunks, then what follows. One chunk is read at a time, however fast the log grows.
 */
export function committedEntries<C>(log: AppliedLog, codec: Codec<C>, options: CommittedOptions): Observable<Committed<C>> {
  return new Observable((subscriber) => {
    let next = options.from ?? 1;
    let isReading = false;
    let hasEnded = false;
    const readOn = async (): Promise<void> => {
      while (next <= log.appliedIndex) {
        for (const entry of await log.readApplied(next, CHUNK_BYTES)) {
          if (isClosed(subscriber)) return;
          next = entry.index + 1;
          if (entry.kind === 'command') subscriber.next({ index: entry.index, term: entry.term, command: codec.decode(entry.payload) });
        }
      }
    };
    const follow = (): void => {
      if (isReading) return;
      isReading = true;
      readOn().then(
        () => {
          isReading = false;
          if (hasEnded) subscriber.complete();
          else if (next <= log.appliedIndex) follow();
        },
        (error: unknown) => subscriber.error(error),
      );
    };
    const end = (): void => {
      hasEnded = true;
      if (!isReading) subscriber.complete();
    };
    if (options.signal !== undefined) {
      if (options.signal.aborted) hasEnded = true;
      options.signal.addEventListener('abort', end, { once: true });
      subscriber.add(() => options.signal?.removeEventListener('abort', end));
    }
    subscriber.add(log.progress.subscribe({ next: follow, complete: end }));
    follow();
  });
}

/** Read anew each time: a handler may unsubscribe between two entries. */
function isClosed(subscriber: { readonly closed: boolean }): boolean {
  return subscriber.closed;
}
