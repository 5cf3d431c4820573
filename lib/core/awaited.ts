import type { Input } from './inputs.js';
import type { LogIndex, NodeId } from './ids.js';
import type { Leadership } from './leadership.js';
import type { AppendReply, RaftMessage } from './messages.js';
import { quorumReached } from './quorum.js';
import type { RaftState } from './state.js';

/**
 * Whether somebody may wait for what this input brings: a peer for its answer or its entries, a caller for the commit. What nobody
 * waits for can share the turn of the input after it. In doubt yes: a turn of its own is all that it saves.
 */
export function isAwaited(raft: RaftState, input: Input): boolean {
  if (raft.leadership !== null && raft.leadership.nextStepAt < Infinity) return true; // any turn may send a peer that is behind its next step
  if (input.type === 'message') return isMessageAwaited(raft, input.from, input.message);
  if (input.type === 'persisted' && raft.leadership !== null) return !raft.durability.isHardStateDurable || isOwnDiskDecisive(raft, raft.leadership);
  return true;
}

function isMessageAwaited(raft: RaftState, from: NodeId, message: RaftMessage): boolean {
  if (message.type === 'heartbeat') return message.term !== raft.term || raft.leaderId !== from || message.round > raft.answeredRound;
  if (message.type === 'appendReply' && raft.leadership !== null) return message.term !== raft.term || isReplyAwaited(raft, raft.leadership, from, message);
  return true;
}

/** It commits nothing, brings no round, there is nothing to send in its place, and neither promotion nor leadership waits for the peer to catch up. */
function isReplyAwaited(raft: RaftState, { peers, transfer }: Leadership, from: NodeId, { matched, round }: AppendReply): boolean {
  const peer = peers.get(from);
  if (peer?.catchUp !== null || transfer !== null) return true;
  return matched > raft.commitIndex || round > peer.ackedRound || peer.next <= raft.log.last.index;
}

/** With all that it has written on this server's disk, more would be committed than is. */
function isOwnDiskDecisive(raft: RaftState, { peers }: Leadership): boolean {
  const last: LogIndex = raft.log.last.index;
  return quorumReached(raft.configuration, (id) => (id === raft.id ? last : (peers.get(id)?.match ?? 0))) > raft.commitIndex;
}
