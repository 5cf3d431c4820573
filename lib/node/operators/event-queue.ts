import { Ring } from './ring.js';
import type { EventsMissed, StreamItem } from './stream-items.js';

/**
 * A bounded queue that says what it lost: at most `capacity` items wait, and all that was dropped since the last
 * `takeAll` stands as one `EventsMissed` where it would have been.
 */
export class EventQueue<E extends StreamItem> {
  private readonly items: Ring<E>;
  private missed: EventsMissed | null = null;

  constructor(
    capacity: number,
    private readonly keep: 'newest' | 'oldest',
  ) {
    this.items = new Ring(capacity);
  }

  get isEmpty(): boolean {
    return this.items.length === 0;
  }

  get isFull(): boolean {
    return this.items.isFull;
  }

  push(item: E): void {
    const dropped = this.keep === 'oldest' && this.isFull ? item : this.items.push(item);
    if (dropped !== undefined) this.missed = { type: 'EventsMissed', from: this.missed?.from ?? firstSeq(dropped), to: lastSeq(dropped) };
  }

  /** Everything that waits, in order. */
  takeAll(): (E | EventsMissed)[] {
    const items: (E | EventsMissed)[] = this.items.takeAll();
    if (this.missed !== null) {
      if (this.keep === 'newest') items.unshift(this.missed);
      else items.push(this.missed);
      this.missed = null;
    }
    return items;
  }
}

function firstSeq(item: StreamItem): number {
  return item.type === 'EventsMissed' ? item.from : item.seq;
}

function lastSeq(item: StreamItem): number {
  return item.type === 'EventsMissed' ? item.to : item.seq;
}
