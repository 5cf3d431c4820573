import { addLatency } from './draft.js';
import { leavesMetrics, type FoldRules } from './rule.js';

type ClientKind =
  | 'ProposalsAccepted'
  | 'ProposalRejected'
  | 'ProposalsDropped'
  | 'ProposalsCommitted'
  | 'ReadServed'
  | 'SessionOpened'
  | 'SessionExpired'
  | 'SessionClosed'
  | 'SubscriberFailed';

/** Calls and subscribers. `pendingProposals` is what is accepted and neither committed nor dropped. */
export const clientRules: FoldRules<ClientKind> = {
  ProposalsAccepted(draft, event) {
    draft.counters.proposalsAccepted += event.count;
  },
  ProposalsCommitted(draft, event) {
    draft.counters.proposalsCommitted += event.count;
    addLatency(draft.commit, event.commitMs);
  },
  ProposalRejected(draft, event) {
    draft.counters.proposalsRejected += event.count;
  },
  ProposalsDropped(draft, event) {
    draft.counters.proposalsDropped += event.count;
  },
  ReadServed(draft, event) {
    draft.counters.readsServed += event.count;
  },
  SessionOpened(draft) {
    draft.counters.sessionsOpened += 1;
  },
  SessionExpired(draft) {
    draft.counters.sessionsExpired += 1;
  },
  SessionClosed: leavesMetrics,
  SubscriberFailed(draft, event) {
    draft.counters.subscriberErrors += event.count;
  },
};
