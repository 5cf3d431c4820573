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
    let hasStopped = false;
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
          if (isClosed(subscriber)) return;
          if (next <= log.appliedIndex) follow();
          else if (hasStopped) subscriber.complete();
        },
        // A node that stopped has closed its storage: there is no more to be had.
        (error: unknown) => (hasStopped ? subscriber.complete() : subscriber.error(error)),
      );
    };
    const stop = (): void => {
      hasStopped = true;
      if (!isReading) subscriber.complete();
    };
    const { signal } = options;
    const abort = (): void => subscriber.complete();
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    subscriber.add(() => signal?.removeEventListener('abort', abort));
    subscriber.add(log.progress.subscribe({ next: follow, error: (fault: unknown) => subscriber.error(fault), complete: stop }));
    follow();
  });
}

/** Read anew each time: a handler may unsubscribe between two entries. */
function isClosed(subscriber: { readonly closed: boolean }): boolean {
  return subscriber.closed;
}
