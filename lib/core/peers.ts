import { membersOf } from './configuration.js';
import type { NodeId } from './ids.js';
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

/** The transport lost or regained its connection: told once each, and of members only, since a removed server is not missed. */
export function tellConnection(raft: RaftState, id: NodeId, up: boolean, error: string): void {
  if (up) {
    if (raft.unreachable.delete(id)) raft.emit({ type: 'PeerRecovered', term: raft.term, peer: id });
  } else if (!raft.unreachable.has(id) && membersOf(raft.configuration).includes(id)) {
    raft.unreachable.set(id, error);
    raft.emit({ type: 'PeerUnreachable', term: raft.term, peer: id, error });
  }
}

/** Another configuration is in force: who is no member of it is not missed any more. */
export function forgetStrangers(raft: RaftState): void {
  if (raft.unreachable.size === 0) return;
  const members = membersOf(raft.configuration);
  for (const id of raft.unreachable.keys()) if (!members.includes(id)) raft.unreachable.delete(id);
}
