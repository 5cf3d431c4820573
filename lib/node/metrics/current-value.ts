import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';
import type { ObservableValue } from '../raft-node.js';

/** An Observable with a read-only current value; operators applied to it give plain Observables. */
export class CurrentValue<T> extends Observable<T> implements ObservableValue<T> {
  /** @param read gives the current value, at any time, ended or not. */
  constructor(
    private readonly read: () => T,
    connect: (subscriber: Subscriber<T>) => TeardownLogic,
  ) {
    super(connect);
  }

  get value(): T {
    return this.read();
  }
}
