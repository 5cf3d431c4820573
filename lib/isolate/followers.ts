import { Observable, type Subscriber } from 'rxjs';
import type { CommittedOptions } from '../node/raft-node.js';
import type { Codec } from '../ports/codec.js';
import type { Committed } from '../ports/state-machine.js';
import type { ErrorsAcross } from './errors-across.js';
import { costOf } from './follow-feeds.js';
import type { ToApplication, ToWorker } from './messages.js';

/** What was taken is told in steps of so much. */
const TELL_AT_BYTES = 128 << 10;

interface Follower<C> {
  readonly subscriber: Subscriber<Committed<C>>;
  untoldBytes: number;
}

export interface FollowersParts<C> {
  readonly codec: Codec<C>;
  readonly errors: ErrorsAcross;
  readonly post: (message: ToWorker) => void;
}

/** The application's side of `committed()`: each subscription is a feed of the node's thread. */
export class Followers<C> {
  private readonly followers = new Map<number, Follower<C>>();
  private nextId = 1;

  constructor(private readonly parts: FollowersParts<C>) {}

  follow({ from = 1, signal }: CommittedOptions): Observable<Committed<C>> {
    return new Observable((subscriber) => {
      const abort = (): void => subscriber.complete();
      if (signal?.aborted === true) return abort();
      const id = this.nextId++;
      this.followers.set(id, { subscriber, untoldBytes: 0 });
      this.parts.post({ type: 'follow', id, from });
      signal?.addEventListener('abort', abort, { once: true });
      subscriber.add(() => {
        signal?.removeEventListener('abort', abort);
        if (this.followers.delete(id)) this.parts.post({ type: 'unfollow', id });
      });
    });
  }

  handle(message: Extract<ToApplication, { type: 'entry' | 'followEnded' }>): void {
    const { id } = message;
    const follower = this.followers.get(id);
    if (follower === undefined) return;
    const { subscriber } = follower;
    if (message.type === 'followEnded') {
      this.followers.delete(id);
      if (message.error === null) subscriber.complete();
      else subscriber.error(this.parts.errors.revive(message.error));
      return;
    }
    const { index, term, payload } = message;
    try {
      subscriber.next({ index, term, command: this.parts.codec.decode(payload) });
    } catch (error) {
      return subscriber.error(error); // the codec's
    }
    follower.untoldBytes += costOf(payload);
    if (follower.untoldBytes < TELL_AT_BYTES || !this.followers.has(id)) return;
    this.parts.post({ type: 'followTaken', id, bytes: follower.untoldBytes });
    follower.untoldBytes = 0;
  }

  /** The node's thread is gone; `fault` is null when it ended as it should. */
  end(fault: unknown): void {
    for (const { subscriber } of [...this.followers.values()]) {
      if (fault === null) subscriber.complete();
      else subscriber.error(fault);
    }
  }
}
