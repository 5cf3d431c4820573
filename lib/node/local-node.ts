import type { Proposal } from './proposals.js';
import type { RaftNode } from './raft-node.js';
import type { CallSignal } from '../ports/call-signal.js';

/** A node whose caller may bring the call along. */
export interface LocalNode<C, R, Q, A> extends RaftNode<C, R, Q, A> {
  /** As `propose`; whatever happens, the proposal is told, and nothing is thrown. */
  submit(proposal: Proposal, signal?: CallSignal): void;
}
