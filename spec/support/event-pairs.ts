import { membersOf } from '../../lib/core/configuration.js';
import type { EventType, RaftEventBody } from '../../lib/core/events.js';

/** What begins, and what alone may end it. Two beginnings in a row, or an end of what was not begun, are wrong. */
const PAIRS: readonly (readonly [begins: EventType, ends: readonly EventType[]])[] = [
  ['LeadershipAcquired', ['LeadershipLost']],
  ['LeadershipTransferStarted', ['LeadershipTransferEnded']],
  ['PreVoteStarted', ['PreVoteConcluded']],
  ['ElectionStarted', ['ElectionWon', 'ElectionLost']],
  ['ElectionsPaused', ['ElectionsResumed']],
  ['ReplicationStarted', ['ReplicationStopped']],
  ['PeerUnreachable', ['PeerRecovered']],
];

/** Follows the events of one run of one node and throws at the first that has no partner. */
export class EventPairs {
  /** What is begun and not ended, by the kind that began it and the peer that it is about. */
  readonly #open = new Map<string, RaftEventBody>();

  /** The beginnings that wait for their end. */
  get open(): EventType[] {
    return [...this.#open.values()].map(({ type }) => type);
  }

  follow(event: RaftEventBody): void {
    const peer = 'peer' in event ? event.peer : '';
    for (const [begins, ends] of PAIRS) {
      const key = `${begins} ${peer}`;
      if (event.type === begins) {
        if (this.#open.has(key)) throw new Error(`${key} twice, and no ${ends.join(' or ')} between`);
        this.#open.set(key, event);
      } else if (ends.includes(event.type) && !this.#open.delete(key)) {
        throw new Error(`${event.type} ${peer} ends what was not begun`);
      }
    }
    if (event.type === 'MembershipAppended' || event.type === 'MembershipReverted' || event.type === 'SnapshotInstalled') {
      const members = membersOf(event.configuration);
      for (const [key, { type, ...fields }] of this.#open) {
        if (type === 'PeerUnreachable' && 'peer' in fields && !members.includes(fields.peer)) this.#open.delete(key);
      }
    }
  }
}
