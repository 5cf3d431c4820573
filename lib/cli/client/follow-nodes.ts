import type { EventType } from '../../core/events.js';
import { EventTail } from '../event-tail.js';
import { messageOf } from '../exit.js';
import type { SseMessage } from '../sse-parser.js';
import type { Located } from './discovery.js';

/** What may change who is a member, or where. Asked for whatever else is, and looked at here. */
export const MEMBERSHIP_EVENTS: readonly EventType[] = ['MembershipAppended', 'MembershipCommitted', 'MembershipReverted', 'SnapshotInstalled'];

export interface FollowNodesParts {
  /** Only these nodes; null: everyone. */
  readonly wanted: readonly string[] | null;
  /** Who is there now, and where. Empty when nobody answers. */
  readonly survey: () => Promise<readonly Located[]>;
  /** The event stream of a node at this address; `start`: from the beginning of its run, as far as it is kept. */
  readonly urlOf: (http: string, since: 'asked' | 'start') => string;
  readonly onMessage: (id: string, message: SseMessage) => void;
  /** A line about who is followed. */
  readonly note: (text: string) => void;
}

interface Followed {
  tail: EventTail;
  http: string;
  isMember: boolean;
  isLost: boolean;
}

/**
 * Follows the events of every member, those who join meanwhile included. A membership event of any of them, or a
 * connection that comes back, is the occasion to look who is there. A node that leaves is followed until it stops.
 */
export class FollowNodes {
  readonly #parts: FollowNodesParts;
  readonly #followed = new Map<string, Followed>();
  /** Where the tails that were closed ended, so that nothing is shown twice should their nodes come back. */
  readonly #lastEventIds = new Map<string, string>();
  /** Members that can't be followed, since where they serve HTTP is unknown. */
  readonly #unplaced = new Set<string>();
  #isLooking = false;
  #looksAgain = false;
  #isClosed = false;

  constructor(parts: FollowNodesParts, roster: readonly Located[]) {
    this.#parts = parts;
    for (const node of roster) this.#begin(node, 'asked');
  }

  get ids(): readonly string[] {
    return [...this.#followed.keys()];
  }

  close(): void {
    this.#isClosed = true;
    for (const { tail } of this.#followed.values()) tail.close();
  }

  /** Follows a node, if it is wanted and can be. */
  #begin(node: Located, since: 'asked' | 'start'): boolean {
    const { id, isMember } = node;
    const http = node.endpoint ?? node.label;
    if (this.#parts.wanted?.includes(id) === false) return false;
    if (http === null) {
      if (!this.#unplaced.has(id)) this.#parts.note(`${id} can't be followed: the configuration does not say where it serves HTTP; rxraft member set-address ${id} <host:port> --http <host:port> tells it`);
      this.#unplaced.add(id);
      return false;
    }
    this.#unplaced.delete(id);
    this.#followed.set(id, { tail: this.#tailOf(id, http, since), http: node.label ?? http, isMember, isLost: false });
    return true;
  }

  #tailOf(id: string, http: string, since: 'asked' | 'start'): EventTail {
    const handlers = {
      onMessage: (message: SseMessage) => {
        this.#parts.onMessage(id, message);
        if ((MEMBERSHIP_EVENTS as readonly string[]).includes(message.event) || message.event === 'EventsMissed') this.#look();
      },
      onConnected: () => this.#connected(id),
      onLost: (reason: string) => this.#lost(id, reason),
    };
    return new EventTail(this.#parts.urlOf(http, since), handlers, { lastEventId: this.#lastEventIds.get(id) ?? '' });
  }

  #connected(id: string): void {
    const followed = this.#followed.get(id);
    if (followed?.isLost !== true) return;
    followed.isLost = false;
    this.#parts.note(`connected to ${id} again`);
    this.#look();
  }

  #lost(id: string, reason: string): void {
    const followed = this.#followed.get(id);
    if (followed === undefined) return;
    if (!followed.isLost && followed.isMember) this.#parts.note(`lost ${id}: ${reason}; trying again`);
    followed.isLost = true;
    if (!followed.isMember) this.#end(id, followed);
  }

  #end(id: string, { tail }: Followed): void {
    tail.close();
    this.#lastEventIds.set(id, tail.lastEventId);
    this.#followed.delete(id);
  }

  /** Looks who is there; once more afterwards, should there be another occasion meanwhile. */
  #look(): void {
    this.#looksAgain = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#lookUntilSettled().finally(() => (this.#isLooking = false));
  }

  async #lookUntilSettled(): Promise<void> {
    while (this.#looksAgain && !this.#isClosed) {
      this.#looksAgain = false;
      try {
        const roster = await this.#parts.survey();
        if (!this.#isClosed) this.#reconcile(roster);
      } catch (error) {
        this.#parts.note(`could not see who is in the cluster: ${messageOf(error)}`);
      }
    }
  }

  #reconcile(roster: readonly Located[]): void {
    if (!roster.some(({ isMember }) => isMember)) return; // nobody knows
    for (const node of roster) {
      const followed = this.#followed.get(node.id);
      if (followed !== undefined) this.#update(node, followed);
      else if (node.isMember && this.#begin(node, 'start')) this.#parts.note(`${node.id} joined the cluster; following it at ${this.#followed.get(node.id)?.http ?? ''}`);
    }
    for (const [id, followed] of this.#followed) {
      if (!followed.isMember || roster.some((node) => node.id === id && node.isMember)) continue;
      followed.isMember = false;
      this.#parts.note(`${id} left the cluster; ${followed.isLost ? 'it is gone' : 'following it until it stops'}`);
      if (followed.isLost) this.#end(id, followed);
    }
  }

  #update({ id, isMember, label }: Located, followed: Followed): void {
    if (isMember && !followed.isMember) this.#parts.note(`${id} joined the cluster`);
    followed.isMember ||= isMember;
    if (label === null || label === followed.http) return;
    this.#parts.note(`${id} is at ${label} now`);
    followed.tail.close();
    this.#lastEventIds.set(id, followed.tail.lastEventId);
    followed.http = label;
    followed.tail = this.#tailOf(id, label, 'start');
  }
}
