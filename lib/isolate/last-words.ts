import type { RaftEventBody } from '../core/events.js';
import type { RaftMetrics } from '../node/metrics/metrics.js';

/** What a node whose thread died can't say itself: its leadership ends, and so does it. */
export function lastWordsOf(metrics: RaftMetrics, operation: string, error: string): RaftEventBody[] {
  const { term, role, leadership, leaderId, replication, runningState, pendingProposals } = metrics;
  const words: RaftEventBody[] = [];
  if (runningState === 'running') {
    if (role === 'candidate') words.push({ type: 'ElectionLost', term, reason: 'stopped' });
    if (role === 'preCandidate') words.push({ type: 'PreVoteConcluded', term, granted: false, by: [], against: [] });
    if (leadership?.leaseValid === true) words.push({ type: 'LeaseChanged', term, valid: false });
    if (leadership !== null) {
      for (const peer of Object.keys(replication)) words.push({ type: 'ReplicationStopped', term, peer, reason: 'leadershipLost' });
      words.push({ type: 'LeadershipLost', term, reason: 'fatalError' });
    }
    if (leaderId !== null) words.push({ type: 'LeaderLost', term, previousLeaderId: leaderId });
    if (role !== 'follower' && role !== 'learner') words.push({ type: 'RoleChanged', term, from: role, to: 'follower', reason: 'fatalError' });
    if (pendingProposals > 0) words.push({ type: 'ProposalsDropped', term, count: pendingProposals, reason: 'indeterminate' });
  }
  words.push({ type: 'FatalErrorRaised', term, operation, error });
  words.push({ type: 'NodeStopped', term, reason: 'fatalError' });
  return words;
}
