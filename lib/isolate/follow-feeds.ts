import type { Subscription } from 'rxjs';
import type { LogIndex } from '../core/ids.js';
import type { RaftNode } from '../node/raft-node.js';
import type { ErrorsAcross } from './errors-across.js';
import type { ToApplication } from './messages.js';

/** So much of one feed is under way at most, before the application has taken it. */
const WINDOW_BYTES = 1 << 20;
/** What an entry costs beside its command. */
const ENTRY_BYTES = 64;

interface Feed {
  next: LogIndex;
  waitingBytes: number;
  /** Null while the application is behind. */
  subscription: Subscription | null;
}

export interface FollowFeedsParts {
  readonly node: Pick<RaftNode<Uint8Array, unknown, number, void>, 'committed'>;
  readonly errors: ErrorsAcross;
  readonly post: (message: ToApplication) => void;
}

/** The application's `committed()` streams: each is read from the log no further ahead than the application can follow. */
export class FollowFeeds {
  readonly #feeds = new Map<number, Feed>();

  constructor(private readonly parts: FollowFeedsParts) {}

  open(id: number, from: LogIndex): void {
    const feed: Feed = { next: from, waitingBytes: 0, subscription: null };
    this.#feeds.set(id, feed);
    this.#read(id, feed);
  }

  /** The application has taken so much of it. */
  taken(id: number, bytes: number): void {
    const feed = this.#feeds.get(id);
    if (feed === undefined) return;
    feed.waitingBytes -= bytes;
    if (feed.subscription === null && feed.waitingBytes < WINDOW_BYTES) this.#read(id, feed);
  }

  close(id: number): void {
    this.#feeds.get(id)?.subscription?.unsubscribe();
    this.#feeds.delete(id);
  }

  #read(id: number, feed: Feed): void {
    const { node, post, errors } = this.parts;
    const end = (error: unknown): void => {
      if (!this.#feeds.delete(id)) return;
      post({ type: 'followEnded', id, error: error === null ? null : errors.encode(error) });
    };
    let isFull = false;
    const subscription = node.committed({ from: feed.next }).subscribe({
      next: ({ index, term, command }) => {
        if (isFull) return;
        feed.next = index + 1;
        feed.waitingBytes += costOf(command);
        post({ type: 'entry', id, index, term, payload: command });
        if (feed.waitingBytes < WINDOW_BYTES) return;
        isFull = true;
        feed.subscription?.unsubscribe();
        feed.subscription = null;
      },
      error: end,
      complete: () => end(null),
    });
    if (isFull) subscription.unsubscribe();
    else feed.subscription = subscription;
  }
}

/** What an entry counts for in the window. */
export function costOf(command: Uint8Array): number {
  return ENTRY_BYTES + command.length;
}
