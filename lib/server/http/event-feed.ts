import type { Observable, Subscription } from 'rxjs';
import type { EventType, RaftEvent } from '../../core/events.js';
import { PackedEvents } from './packed-events.js';

/**
 * The last events of a node's run, shared by every event stream. A stream holds no events of its own, only
 * the number of the next one it wants: so memory is bounded however many clients there are and however slow
 * they read, and a client that falls too far behind is told exactly what it missed.
 */
export class EventFeed {
  readonly #events: PackedEvents;
  /** The events as they go over the wire, each in its place; made once, when the first stream wants it. */
  readonly #frames: (string | null)[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #subscription: Subscription;
  #runId: string | null = null;
  #nodeId: string | null = null;
  #last = 0;
  /** How many of the events are of this run. */
  #held = 0;
  #isEnded = false;
  #wake: NodeJS.Immediate | null = null;

  /** Listens from now on. To miss nothing it must be made before the node starts. */
  constructor(
    events: Observable<RaftEvent>,
    readonly capacity: number,
  ) {
    this.#events = new PackedEvents(capacity);
    const end = (): void => {
      this.#isEnded = true;
      this.#wakeListeners();
    };
    this.#subscription = events.subscribe({ next: (event) => this.#append(event), error: end, complete: end });
  }

  /** The run that the events are of; null before the first one. */
  get runId(): string | null {
    return this.#runId;
  }

  get nodeId(): string | null {
    return this.#nodeId;
  }

  /** `seq` of the oldest event kept; `last + 1` while there is none. */
  get first(): number {
    return this.#last - this.#held + 1;
  }

  /** `seq` of the newest event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Whether the node's stream has ended: nothing follows `last`. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The kind of the event with this number, which must lie within `first` and `last`. */
  typeAt(seq: number): EventType {
    this.#check(seq);
    return this.#events.typeOf(seq);
  }

  /** The event with this number, which must lie within `first` and `last`, as it goes over the wire. */
  frameAt(seq: number): string {
    this.#check(seq);
    return (this.#frames[seq % this.capacity] ??= this.#frame(seq));
  }

  /** Calls back after new events, at most once per round of the event loop. Returns a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  close(): void {
    this.#subscription.unsubscribe();
    if (this.#wake !== null) clearImmediate(this.#wake);
    this.#isEnded = true;
  }

  #check(seq: number): void {
    if (seq < this.first || seq > this.#last) throw new Error(`event ${seq} is not within ${this.first}–${this.#last}`);
  }

  #frame(seq: number): string {
    const event = this.#events.get(seq, { nodeId: this.#nodeId ?? '', runId: this.#runId ?? '' });
    return `id: ${event.runId}:${seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  #append(event: RaftEvent): void {
    if (event.runId !== this.#runId) {
      this.#runId = event.runId;
      this.#nodeId = event.nodeId;
      this.#held = 0;
    }
    this.#events.add(event);
    this.#frames[event.seq % this.capacity] = null;
    this.#last = event.seq;
    this.#held = Math.min(this.#held + 1, this.capacity);
    this.#wakeListeners();
  }

  #wakeListeners(): void {
    if (this.#wake !== null || this.#listeners.size === 0) return;
    this.#wake = setImmediate(() => {
      this.#wake = null;
      for (const listener of this.#listeners) listener();
    });
  }
}
