import { membersOf } from './configuration.js';
import type { Leadership } from './leadership.js';
import { PeerProgress } from './progress.js';
import type { RaftState } from './state.js';

/** Makes the leader's peers those of the configuration in force: new ones are probed from the log's end, removed ones forgotten. */
export function syncPeers(raft: RaftState, leadership: Leadership): void {
  const members = membersOf(raft.configuration).filter((id) => id !== raft.id);
  for (const id of leadership.peers.keys()) {
    if (members.includes(id)) continue;
    leadership.peers.delete(id);
    raft.emit({ type: 'ReplicationStopped', term: raft.term, peer: id, reason: 'removed' });
  }
  for (const id of members) {
    if (leadership.peers.has(id)) continue;
    const next = raft.log.last.index + 1;
    leadership.peers.set(id, new PeerProgress(id, next));
    raft.emit({ type: 'ReplicationStarted', term: raft.term, peer: id, next });
  }
}
