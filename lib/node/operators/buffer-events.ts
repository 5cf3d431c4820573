import { asapScheduler, defer, Observable, subscribeOn, type ObservableInput, type OperatorFunction, type SchedulerLike } from 'rxjs';
import { OverloadedError } from '../../ports/errors.js';
import { checkedCapacity } from './capacity.js';
import { EventQueue } from './event-queue.js';
import type { EventsMissed, StreamItem } from './stream-items.js';

export interface BufferEventsOptions {
  /** How many items may wait, at least 1; the batch in the consumer's hands is not counted. */
  readonly capacity: number;
  /**
   * What to do when one more arrives. `dropOldest` and `dropNewest` put an `EventsMissed` in the place of what is
   * lost; `error` ends the stream with an `OverloadedError`.
   */
  readonly onOverflow: 'dropOldest' | 'dropNewest' | 'error';
  /** When a batch is handed over: once per batch, never per event. Default: `asapScheduler`, right after the turn. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Lets a consumer be slower than the node: events wait in a bounded queue, and `consume` gets all that wait as one
 * batch, asynchronously, whenever it has finished with the batch before. What `consume` emits is the result.
 *
 * Demand is the completion of the inner stream, as with `concatMap`: the one way of asking for more that RxJS has, so
 * promises, errors and unsubscription work as everywhere. (An async iterable would need a queue of its own, and a
 * loop that is left without `return()` would hold it.) Nothing is dropped silently. When the source ends, by an error
 * too, what waits is consumed before the stream ends in the same way. An error of `consume` ends the stream at once.
 *
 * @example
 * node.events
 *   .pipe(bufferEvents((batch) => database.insertMany(batch), { capacity: 10_000, onOverflow: 'dropOldest' }))
 *   .subscribe();
 */
export function bufferEvents<E extends StreamItem, R>(
  consume: (batch: readonly (E | EventsMissed)[]) => ObservableInput<R>,
  options: BufferEventsOptions,
): OperatorFunction<E, R> {
  const capacity = checkedCapacity(options.capacity);
  const { onOverflow, scheduler = asapScheduler } = options;

  return (source) =>
    new Observable((subscriber) => {
      const queue = new EventQueue<E>(capacity, onOverflow === 'dropNewest' ? 'oldest' : 'newest');
      const nextBatch = defer(() => consume(queue.takeAll())).pipe(subscribeOn(scheduler));
      let isConsuming = false;
      let end: (() => void) | null = null;

      const advance = (): void => {
        if (isConsuming) return;
        if (queue.isEmpty) return end?.();
        isConsuming = true;
        const batch = nextBatch.subscribe({
          next: (result) => subscriber.next(result),
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            isConsuming = false;
            advance();
          },
        });
        subscriber.add(batch);
      };
      const endWith = (last: () => void): void => {
        end = last;
        advance();
      };

      subscriber.add(
        source.subscribe({
          next: (item) => {
            if (onOverflow === 'error' && queue.isFull) return subscriber.error(new OverloadedError('the buffer of bufferEvents', capacity));
            queue.push(item);
            advance();
          },
          error: (error: unknown) => endWith(() => subscriber.error(error)),
          complete: () => endWith(() => subscriber.complete()),
        }),
      );
    });
}
