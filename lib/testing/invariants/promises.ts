import type { LogIndex, NodeId } from '../../core/ids.js';
import type { RaftMessage } from '../../core/messages.js';
import type { TurnOutput } from '../../core/output.js';
import type { CoreStatus } from '../../core/status.js';
import { isSame, nameOf } from './agreed-log.js';
import type { RunRecord, ServerRecord } from './server-record.js';
import { must } from './violation.js';

/** Figure 2, "updated on stable storage before responding to RPCs": nothing is said that a power cut would take back. */
export function durableBeforeSaid(server: ServerRecord, run: RunRecord, to: NodeId, message: RaftMessage): void {
  const property = 'durable before it is acknowledged (figure 2)';
  const { image, id } = server;
  if (message.type === 'preVoteRequest' || (message.type === 'preVoteReply' && message.granted)) return; // they name a term that nobody is in
  must(image.hardState.term >= message.term, property, () => `${id} tells ${to} of term ${message.term} (${message.type}); on its disk is ${image.hardState.term}`);
  server.saidTerm = Math.max(server.saidTerm, message.term);
  if (message.type === 'voteRequest' || (message.type === 'voteReply' && message.granted)) {
    const vote = message.type === 'voteRequest' ? id : to;
    const { term, votedFor } = image.hardState;
    must(term === message.term && votedFor === vote, property, () => `${id} gives its vote of term ${message.term} to ${vote}; on its disk is ${String(votedFor)} in term ${term}`);
  }
  const isReply = message.type === 'appendReply' || (message.type === 'installSnapshotReply' && message.installed);
  if (isReply && message.matched > 0) durableThrough(server, run, to, message.matched);
}

function durableThrough(server: ServerRecord, run: RunRecord, to: NodeId, matched: LogIndex): void {
  const property = 'durable before it is acknowledged (figure 2)';
  const { image, id } = server;
  if (matched <= image.compacted.index) {
    const covered = image.snapshot?.meta.last.index ?? 0;
    must(covered >= image.compacted.index, property, () => `${id} acknowledges ${matched} to ${to}; its log on disk begins behind ${image.compacted.index}, its snapshot ends at ${covered}`);
    return;
  }
  const [durable, held] = [server.durable(matched), run.log.at(matched)];
  must(durable !== undefined && held !== undefined && isSame(durable, held), property, () => `${id} acknowledges ${matched} to ${to}; on its disk is ${nameOf(durable)}, in its log ${nameOf(held)}`);
}

/** §5.2: "each server will vote for at most one candidate in a given term", crashes or not. */
export function oneVotePerTerm(server: ServerRecord, output: TurnOutput): void {
  for (const { to, message } of output.messages) {
    const isVote = message.type === 'voteRequest' || (message.type === 'voteReply' && message.granted);
    if (!isVote) continue;
    const vote = message.type === 'voteRequest' ? server.id : to;
    const other = server.votes.get(message.term) ?? vote;
    must(other === vote, 'one vote per term (§5.2)', () => `${server.id} votes for ${vote} in term ${message.term}, after it voted for ${other}`);
    server.votes.set(message.term, vote);
  }
}

/** The term on disk never goes back, and a vote on disk is never changed within its term (§5.1, §5.2). */
export function persistedStateNeverGoesBack(server: ServerRecord): void {
  const { hardState: before } = server;
  const { hardState: after } = server.image;
  if (before === after) return;
  const isLawful = after.term > before.term || (after.term === before.term && (before.votedFor === null || before.votedFor === after.votedFor));
  must(isLawful, 'term and vote on disk are never taken back (§5.2)', () => `${server.id}: term ${before.term}, vote ${String(before.votedFor)} became term ${after.term}, vote ${String(after.votedFor)}`);
  server.hardState = after;
}

/** Terms (§5.1) and commit indexes (§5.3) only grow in a run; a term that was told or is on disk is never taken back. */
export function termAndCommitAreMonotonic(server: ServerRecord, before: CoreStatus | null, status: CoreStatus): void {
  const property = 'terms and commit indexes only grow (§5.1, §5.3)';
  must(status.term >= (before?.term ?? server.saidTerm), property, () => `${server.id} goes from term ${before?.term ?? server.saidTerm} to ${status.term}`);
  if (before !== null) {
    must(status.committed.index >= before.committed.index, property, () => `${server.id} takes its commit index back from ${before.committed.index} to ${status.committed.index}`);
    must(status.applied.index >= before.applied.index, property, () => `${server.id} takes its applied index back from ${before.applied.index} to ${status.applied.index}`);
  }
  must(status.applied.index <= status.committed.index && status.committed.index <= status.lastLog.index, property, () => `${server.id}: applied ${status.applied.index}, committed ${status.committed.index}, last ${status.lastLog.index}`);
}
