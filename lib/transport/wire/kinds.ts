import type { EntryKind } from '../../core/entry.js';
import type { ForwardErrorCode, ForwardRequest, PeerMessage } from '../../ports/transport.js';

/**
 * The first element of every message. Numbers are part of the protocol: never reused, never renumbered.
 */
export const WIRE_KIND = Object.freeze({
  preVoteRequest: 1,
  preVoteReply: 2,
  voteRequest: 3,
  voteReply: 4,
  append: 5,
  appendReply: 6,
  appendRejected: 7,
  heartbeat: 8,
  heartbeatReply: 9,
  installSnapshot: 10,
  installSnapshotReply: 11,
  forwardRequest: 12,
  forwardReply: 13,
  timeoutNow: 14,
}) satisfies Record<PeerMessage['type'], number>;

/** Their places in these lists are what travels. */
export const ENTRY_KINDS: readonly EntryKind[] = Object.freeze(['command', 'noop', 'configuration']);
export const FORWARD_OPERATIONS: readonly ForwardRequest['operation'][] = Object.freeze(['propose', 'readIndex']);
export const FORWARD_ERROR_CODES: readonly ForwardErrorCode[] = Object.freeze(['notLeader', 'indeterminate', 'rejected', 'overloaded', 'timeout', 'stopped']);

/** What one message may hold at most. */
export const MAX_ENTRIES = 1 << 20;
export const MAX_CONFIGURATION_BYTES = 1 << 20;
export const MAX_ERROR_TEXT_LENGTH = 1024;

/** How many elements an entry takes: index, term, kind, payload. */
export const ENTRY_FIELDS = 4;

/**
 * Whether a message must not wait behind bulk data: it keeps a leader in office, elects one, or acknowledges.
 * Everything that may carry a payload is bulk. So is an append without entries: it asks whether those before it have arrived.
 */
export function isUrgent(message: PeerMessage): boolean {
  switch (message.type) {
    case 'append':
    case 'installSnapshot':
    case 'forwardRequest':
    case 'forwardReply':
      return false;
    default:
      return true;
  }
}
