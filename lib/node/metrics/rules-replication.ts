import { membersOf } from '../../core/configuration.js';
import type { NodeId } from '../../core/ids.js';
import type { MetricsDraft } from './draft.js';
import type { FoldRules } from './rule.js';

type ReplicationKind =
  | 'ReplicationStarted'
  | 'ReplicationStopped'
  | 'ReplicationStateChanged'
  | 'ReplicationProgressed'
  | 'PeerContacted'
  | 'PeerUnreachable'
  | 'PeerRecovered'
  | 'QuorumAcknowledged'
  | 'SnapshotSent'
  | 'MessageRejected'
  | 'MessagesDropped';

/** What this node knows of its peers. Facts about a peer that is no longer replicated to are ignored. */
export const replicationRules: FoldRules<ReplicationKind> = {
  ReplicationStarted(draft, event) {
    draft.peers.set(event.peer, { state: 'probe', matched: 0, next: event.next, inFlight: 0, lastContactAt: null, rttMs: null });
  },
  ReplicationStopped(draft, event) {
    draft.peers.delete(event.peer);
  },
  ReplicationStateChanged(draft, event) {
    const peer = draft.peers.get(event.peer);
    if (peer !== undefined) peer.state = event.state;
  },
  ReplicationProgressed(draft, event) {
    const peer = draft.peers.get(event.peer);
    if (peer === undefined) return;
    peer.matched = event.matched;
    peer.next = event.next;
    peer.inFlight = event.inFlight;
  },
  PeerContacted(draft, event, at) {
    const peer = draft.peers.get(event.peer);
    if (peer === undefined) return;
    peer.lastContactAt = at;
    peer.rttMs = event.rttMs;
  },
  QuorumAcknowledged(draft, event) {
    draft.lastQuorumAckAt = event.since;
  },

  PeerUnreachable(draft, event) {
    draft.unreachable = Object.freeze({ ...draft.unreachable, [event.peer]: event.error });
  },
  PeerRecovered(draft, event) {
    if (Object.hasOwn(draft.unreachable, event.peer)) draft.unreachable = without(draft.unreachable, event.peer);
  },

  /** A transfer that failed was not sent. */
  SnapshotSent(draft, event) {
    if (event.outcome === 'acknowledged') draft.counters.snapshotsSent += 1;
  },
  MessageRejected(draft) {
    draft.counters.messagesRejected += 1;
  },
  MessagesDropped(draft, event) {
    draft.counters.messagesDropped += event.count;
  },
};

/** Another configuration is in force: who is no member of it is not missed. */
export function forgetStrangers(draft: MetricsDraft): void {
  const members = membersOf(draft.membership.effective);
  for (const id of Object.keys(draft.unreachable)) if (!members.includes(id)) draft.unreachable = without(draft.unreachable, id);
}

function without(unreachable: Readonly<Record<NodeId, string>>, peer: NodeId): Readonly<Record<NodeId, string>> {
  return Object.freeze(Object.fromEntries(Object.entries(unreachable).filter(([id]) => id !== peer)));
}
