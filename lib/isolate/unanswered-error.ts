import type { Configuration } from '../core/configuration.js';
import { MembershipChangeError, ProposalIndeterminateError, StoppedError, TransferError } from '../ports/errors.js';
import type { CallKind } from './pending-calls.js';

/** What a call gets whose answer the node's thread took with it; `fault` is null when the node was stopped. */
export function unansweredError(kind: CallKind, fault: unknown, current: Configuration): Error {
  const state = fault === null ? 'stopped' : 'failed';
  switch (kind) {
    case 'propose':
      return fault === null ? new ProposalIndeterminateError('stopped') : new ProposalIndeterminateError('fatalError', { cause: fault });
    case 'read':
    case 'takeSnapshot':
      return new StoppedError(state);
    case 'changeMembership':
      return new MembershipChangeError(`the node ${state}`, current, 'indeterminate');
    case 'transferLeadership':
      return new TransferError('aborted', `the node ${state}`);
    default:
      return kind satisfies never;
  }
}
