import type { Leadership } from './leadership.js';
import { settleRound } from './lease.js';
import type { RaftState } from './state.js';

/** Starts a round and sends every peer a heartbeat; the commit index in it is at most what the peer has acknowledged. */
export function beginRound(raft: RaftState, leadership: Leadership): void {
  leadership.rounds.start(raft.now);
  leadership.heartbeatDeadline = raft.now + raft.options.heartbeatIntervalMs;
  for (const peer of leadership.peers.values()) {
    peer.sentCommit = Math.min(peer.match, raft.commitIndex);
    raft.send(peer.id, { type: 'heartbeat', term: raft.term, round: leadership.rounds.current, commit: peer.sentCommit });
  }
  settleRound(raft, leadership);
}
