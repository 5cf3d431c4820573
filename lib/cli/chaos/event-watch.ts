import type { EventType, RaftEvent } from '../../core/events.js';
import { GapTracker, type RunRecord } from '../check/gap-tracker.js';
import { EventTail } from '../event-tail.js';
import type { SseMessage } from '../sse-parser.js';
import { LeadershipWatch } from './leadership-watch.js';
import type { ChaosMember } from './members.js';

/** Read for more than their number. */
const READ: ReadonlySet<string> = new Set<EventType>(['LeadershipAcquired', 'LeadershipLost', 'NodeStopped', 'MessageRejected']);

/** A node has refused what another one sent, because the checksum did not match. */
export interface NoticedDamage {
  readonly from: string;
  readonly to: string;
}

/** Follows the events of every node through all of its runs, and checks that they have no gap and make sense. */
export class EventWatch {
  readonly #trackers = new Map<string, GapTracker>();
  readonly #tails = new Map<string, EventTail>();
  readonly #leadership = new LeadershipWatch();
  readonly #counts = new Map<string, number>();
  readonly #noticedDamage: NoticedDamage[] = [];

  follow(member: ChaosMember): void {
    const tracker = new GapTracker(member.id);
    this.#trackers.set(member.id, tracker);
    const onMessage = (message: SseMessage): void => this.#accept(tracker, message);
    this.#tails.set(member.id, new EventTail(`${member.url}/events?since=start`, { onMessage }));
  }

  /** The node is gone for good. */
  unfollow(id: string): void {
    this.#tails.get(id)?.close();
    this.#tails.delete(id);
  }

  /** How many events of this kind have come. */
  count(type: EventType): number {
    return this.#counts.get(type) ?? 0;
  }

  /** In the order in which it was told. */
  get noticedDamage(): readonly NoticedDamage[] {
    return this.#noticedDamage;
  }

  get received(): number {
    return [...this.#trackers.values()].reduce((sum, { received }) => sum + received, 0);
  }

  get runs(): number {
    return [...this.#trackers.values()].reduce((sum, { runs }) => sum + runs.length, 0);
  }

  /** Terms that had a leader. */
  get terms(): number {
    return this.#leadership.terms;
  }

  latest(id: string): RunRecord | null {
    return this.#trackers.get(id)?.latest ?? null;
  }

  get gaps(): readonly string[] {
    return [...this.#trackers.values()].flatMap(({ problems }) => problems);
  }

  get problems(): readonly string[] {
    return [...this.gaps, ...this.#leadership.problems];
  }

  close(): void {
    for (const tail of this.#tails.values()) tail.close();
  }

  #accept(tracker: GapTracker, { id, event, data }: SseMessage): void {
    tracker.accept(id, event);
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + 1);
    if (READ.has(event)) this.#read(JSON.parse(data) as RaftEvent);
  }

  #read(event: RaftEvent): void {
    if (event.type !== 'MessageRejected') this.#leadership.accept(event);
    else if (event.reason.includes('checksum') && event.from !== null) this.#noticedDamage.push({ from: event.from, to: event.nodeId });
  }
}
