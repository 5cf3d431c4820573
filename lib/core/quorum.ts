import type { Configuration } from './configuration.js';
import type { NodeId } from './ids.js';

/** How many of `size` voters decide. */
export function majorityOf(size: number): number {
  return (size >> 1) + 1;
}

/**
 * The largest value that a quorum has reached: a majority of `voters`, and while joint also a majority of
 * `votersOutgoing` (§5.3, §6). An empty configuration reaches nothing.
 */
export function quorumReached(configuration: Configuration, valueOf: (id: NodeId) => number): number {
  if (configuration.voters.length === 0) return 0;
  const incoming = majorityReached(configuration.voters, valueOf);
  return configuration.votersOutgoing.length === 0 ? incoming : Math.min(incoming, majorityReached(configuration.votersOutgoing, valueOf));
}

/** Decided, or not yet. */
export type VoteResult = 'won' | 'lost' | 'pending';

/** The state of an election; `voteOf` is undefined for who has not answered (§5.2, §6). */
export function voteResult(configuration: Configuration, voteOf: (id: NodeId) => boolean | undefined): VoteResult {
  const incoming = majorityVote(configuration.voters, voteOf);
  const outgoing = configuration.votersOutgoing.length === 0 ? 'won' : majorityVote(configuration.votersOutgoing, voteOf);
  if (incoming === 'lost' || outgoing === 'lost') return 'lost';
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending';
}

function majorityVote(voters: readonly NodeId[], voteOf: (id: NodeId) => boolean | undefined): VoteResult {
  let granted = 0;
  let refused = 0;
  for (const id of voters) {
    const vote = voteOf(id);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majorityOf(voters.length);
  if (voters.length > 0 && granted >= needed) return 'won';
  return refused > voters.length - needed ? 'lost' : 'pending';
}

/** Insertion sort into descending order: memberships are tiny and this runs once per commit. */
function majorityReached(voters: readonly NodeId[], valueOf: (id: NodeId) => number): number {
  const sorted: number[] = [];
  for (const id of voters) {
    const value = valueOf(id);
    let at = sorted.length;
    while (at > 0 && (sorted[at - 1] ?? 0) < value) {
      sorted[at] = sorted[at - 1] ?? 0;
      at -= 1;
    }
    sorted[at] = value;
  }
  return sorted[majorityOf(voters.length) - 1] ?? 0;
}
