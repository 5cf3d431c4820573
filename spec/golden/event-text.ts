import type { Configuration } from '../../lib/core/configuration.js';
import type { EventType, RaftEventBody } from '../../lib/core/events.js';
import type { LogId } from '../../lib/core/ids.js';
import { idText, membersText } from './words.js';

/** Events that repeat what the block's head, write or answer says anyway. Every other one is shown, but for those of `Shown`. */
const BOOK_KEEPING: ReadonlySet<EventType> = new Set<EventType>([
  'HardStatePersisted', // ← write is durable
  'EntriesPersisted', // ← write is durable
  'EntriesApplied', // ← applied
  'LatestLog', // ↓ write
  'ProposalsAccepted', // = answer
  'PeerContacted', // ← any reply
]);

/** What a scenario must be about to be told of it. */
export interface Shown {
  /** Heartbeats, their answers and the rounds that they close. */
  readonly showRounds?: boolean;
  /** How far the leader knows each peer's log to be. */
  readonly showProgress?: boolean;
}

export function isShown({ type }: RaftEventBody, { showRounds = false, showProgress = false }: Shown): boolean {
  if (type === 'QuorumAcknowledged') return showRounds;
  return type === 'ReplicationProgressed' ? showProgress : !BOOK_KEEPING.has(type);
}

/** `VoteGranted to a, forTerm 2, preVote yes`. Times are left out: they hang on the seed, not on the protocol. */
export function eventText(event: RaftEventBody): string {
  if (event.type === 'RoleChanged') return `RoleChanged ${event.from}→${event.to} (${event.reason})`;
  if (event.type === 'TermAdvanced') return `TermAdvanced ${event.from}→${event.to} (${event.cause})`;
  if (event.type === 'NodeStarted') {
    return `NodeStarted ${event.role} t${event.term}, ${event.votedFor === null ? 'no vote' : `voted ${event.votedFor}`}, log ${idText(event.lastLog)}, committed ${idText(event.committed)}`;
  }
  const fields = Object.entries(event).filter(([name, value]) => name !== 'type' && name !== 'term' && value !== '' && !isTime(name));
  return [event.type, fields.map(([name, value]) => `${name} ${valueText(value)}`).join(', ')].join(' ').trimEnd();
}

function isTime(name: string): boolean {
  return name === 'ms' || name === 'since' || name.endsWith('Ms');
}

function valueText(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'nobody' : value.join(' ');
  if (typeof value !== 'object') return `${value as string | number}`;
  return 'voters' in value ? membersText(value as Configuration) : idText(value as LogId);
}
