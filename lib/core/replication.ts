import { entriesBytes, type Entry } from './entry.js';
import type { NodeId } from './ids.js';
import type { Leadership } from './leadership.js';
import { noteContact } from './lease.js';
import type { AppendRejected, AppendReply, HeartbeatReply } from './messages.js';
import type { ReplicationState } from './events.js';
import type { PeerProgress } from './progress.js';
import { rejectMessage } from './follower.js';
import { tellConnection } from './peers.js';
import { becomeFollower } from './roles.js';
import { plainLogId, type RaftState } from './state.js';
import { abandonTarget } from './transfer.js';

/**
 * What a peer that is behind is sent in one turn, or twice what is new if that is more, so that it catches up however fast the log grows:
 * a turn that encodes megabytes holds up whoever waits for what is new.
 */
const STEP_BYTES = 64 << 10;
/** The next turn comes after so long when nothing else brings it about. */
const STEP_MS = 1;

/** At the end of a leader's turn: sends every peer what it lacks, as far as its window allows. */
export function replicateToAll(raft: RaftState, leadership: Leadership): void {
  const noticesDueAt = Math.min(leadership.noticesDueAt, raft.now + raft.options.commitNoticeDelayMs);
  leadership.noticesDueAt = Infinity; // unless one is held back
  leadership.nextStepAt = Infinity; // unless a peer is behind
  for (const peer of leadership.peers.values()) {
    replicateTo(raft, leadership, peer, noticesDueAt);
    reportProgress(raft, peer);
  }
  leadership.previousLast = raft.log.last.index;
  leadership.newBytes = 0;
}

/** The peer holds everything through `matched` durably (§5.3). */
export function handleAppendReply(raft: RaftState, from: NodeId, reply: AppendReply): void {
  const peer = replyingPeer(raft, from, reply);
  if (peer === null) return;
  const { leadership, progress } = peer;
  progress.isWilling = reply.willing;
  acknowledge(raft, leadership, progress, reply.matched);
}

/** The peer's log does not hold the entry before ours: go back to where both may agree (§5.3). */
export function handleAppendRejected(raft: RaftState, from: NodeId, reply: AppendRejected): void {
  const peer = replyingPeer(raft, from, reply);
  if (peer === null) return;
  const { progress } = peer;
  const isStale = progress.state === 'probe' ? reply.rejected !== progress.next - 1 : reply.rejected <= progress.match;
  if (isStale || progress.state === 'snapshot') return;
  if (progress.state === 'replicate') {
    enterState(raft, progress, 'probe', progress.match + 1);
    return;
  }
  const common = raft.log.findConflictByTerm(reply.hint.index, reply.hint.term);
  progress.becomeProbe(Math.min(reply.rejected, common.index + 1));
}

/** The peer is alive: whatever was held back until it is may go on. */
export function handleHeartbeatReply(raft: RaftState, from: NodeId, reply: HeartbeatReply): void {
  const peer = replyingPeer(raft, from, reply);
  if (peer === null) return;
  const { progress } = peer;
  progress.isWilling = reply.willing;
  if (progress.state === 'probe') noteAliveWhileProbed(progress, reply.round);
  // Something is unacknowledged and nothing moved for a whole round: it may be lost, so ask with an empty append.
  if (progress.state === 'replicate' && progress.inflight.count > 0 && !progress.progressed) progress.verify = true;
  progress.progressed = false;
}

/**
 * An append that is out may be lost, or wait for the peer's disk; only then has the peer answered a round that began after it
 * and not the append. An empty one finds out which, where the same entries once more in every round would keep a slow
 * disk from ever catching up.
 */
function noteAliveWhileProbed(peer: PeerProgress, round: number): void {
  if (peer.probeRound === 0) peer.probeSent = false;
  else if (round > peer.probeRound) peer.verify = true;
}

/** Old entries came from storage for a peer that is far behind. */
export function handleEntriesRead(raft: RaftState, id: NodeId, entries: readonly Entry[]): void {
  const peer = raft.leadership?.peers.get(id);
  if (peer?.reading !== true) return;
  peer.reading = false;
  const first = entries[0];
  const last = entries[entries.length - 1];
  if (first?.index !== peer.next || last === undefined || peer.state === 'snapshot' || raft.log.termAt(last.index) !== last.term) return;
  if (isBehindLog(raft, peer)) return; // compacted while the read was under way: the next turn sends a snapshot
  sendEntries(raft, peer, entries);
}

/** The transport lost or regained its connection to a peer. */
export function handleConnection(raft: RaftState, id: NodeId, up: boolean, error: string): void {
  tellConnection(raft, id, up, error);
  const peer = raft.leadership?.peers.get(id);
  if (peer === undefined) return;
  if (!up && raft.leadership !== null) abandonTarget(raft, raft.leadership, id);
  if (!up && peer.state === 'replicate') enterState(raft, peer, 'probe', peer.match + 1);
  if (up) peer.probeSent = false;
  else peer.holdUntilAlive();
}

/** Moves a peer's acknowledged end forward; never back, whatever order replies arrive in. */
export function acknowledge(raft: RaftState, leadership: Leadership, peer: PeerProgress, matched: number): void {
  if (matched > raft.log.last.index) {
    rejectMessage(raft, peer.id, `acknowledges ${matched}, past the end of the leader's log (${raft.log.last.index})`);
    return;
  }
  const moved = peer.acknowledge(matched);
  if (moved) leadership.commitDirty = true;
  const caughtUp = peer.state === 'probe' ? matched >= peer.match : peer.state === 'snapshot' && peer.match >= peer.pendingSnapshot;
  if (caughtUp) enterState(raft, peer, 'replicate', peer.next);
}

/** Changes how a peer is fed, and says so. */
export function enterState(raft: RaftState, peer: PeerProgress, state: ReplicationState, next: number): void {
  const changed = peer.state !== state;
  if (state === 'probe') peer.becomeProbe(next);
  else if (state === 'replicate') peer.becomeReplicate();
  else peer.becomeSnapshot(next - 1);
  if (changed) raft.emit({ type: 'ReplicationStateChanged', term: raft.term, peer: peer.id, state });
}

function replicateTo(raft: RaftState, leadership: Leadership, peer: PeerProgress, noticesDueAt: number): void {
  if (peer.state === 'snapshot' || peer.reading) return;
  if (peer.state === 'probe') {
    if (!peer.probeSent) sendNext(raft, peer, STEP_BYTES); // most of it may be there, or nothing of use
    else if (peer.verify) probeAgain(raft, peer);
    return;
  }
  // Even with a full window: what would ask for a lost append can't name the entry before it any more.
  if (isBehindLog(raft, peer)) {
    sendSnapshot(raft, peer);
    return;
  }
  let budget = isBehind(raft, leadership, peer) ? Math.max(STEP_BYTES, 2 * leadership.newBytes) : Infinity;
  while (peer.next <= raft.log.last.index && hasWindow(raft, peer)) {
    if (budget < Math.min(STEP_BYTES, raft.options.maxAppendBytes)) {
      leadership.nextStepAt = raft.now + STEP_MS;
      break;
    }
    const before = peer.inflight.bytes;
    if (!sendNext(raft, peer, budget)) return;
    budget -= peer.inflight.bytes - before;
  }
  if (peer.verify) sendEntries(raft, peer, []);
  else tellCommit(raft, leadership, peer, noticesDueAt);
}

/** No commit waits for it, and it lacks more than what is new: it was away, or is slow. */
function isBehind(raft: RaftState, leadership: Leadership, peer: PeerProgress): boolean {
  return peer.match < raft.commitIndex && peer.next <= leadership.previousLast;
}

/** Asks without entries whether the append that is out has arrived, or what stands in its place. */
function probeAgain(raft: RaftState, peer: PeerProgress): void {
  if (isBehindLog(raft, peer)) sendSnapshot(raft, peer);
  else sendEntries(raft, peer, []);
}

/** The bound on what is under way to one peer, in messages and in bytes; one message is always allowed. */
function hasWindow(raft: RaftState, peer: PeerProgress): boolean {
  const { count, bytes } = peer.inflight;
  return count === 0 || (count < raft.options.maxInflightMessages && bytes < raft.options.maxInflightBytes);
}

/** Sends the next entries, of so many bytes at most, or asks storage for them, or falls back to a snapshot. False when nothing could leave now. */
function sendNext(raft: RaftState, peer: PeerProgress, bytes: number): boolean {
  if (isBehindLog(raft, peer)) {
    sendSnapshot(raft, peer);
    return false;
  }
  const last = raft.log.last.index;
  const maxBytes = Math.min(bytes, raft.options.maxAppendBytes);
  const entries = peer.next > last ? [] : raft.log.slice(peer.next, last, maxBytes);
  if (entries === null) {
    peer.reading = true;
    raft.outbox.logReads.push({ peer: peer.id, from: peer.next, to: last, maxBytes });
    return false;
  }
  sendEntries(raft, peer, entries);
  return true;
}

function sendEntries(raft: RaftState, peer: PeerProgress, entries: readonly Entry[]): void {
  const previous = plainLogId(raft.log.idAt(peer.next - 1));
  const round = raft.leadership?.rounds.current ?? 0;
  raft.send(peer.id, { type: 'append', term: raft.term, round, previous, commit: raft.commitIndex, entries });
  peer.verify = false;
  peer.sentCommit = Math.min(raft.commitIndex, previous.index + entries.length);
  if (peer.state === 'probe') {
    peer.probeSent = true;
    peer.probeRound = round;
    peer.probedThrough = entries.length > 0 ? previous.index + entries.length : 0;
    peer.probedBytes = entriesBytes(entries);
  } else if (entries.length > 0) {
    peer.next += entries.length;
    peer.inflight.add(peer.next - 1, entriesBytes(entries));
  }
}

/**
 * Nothing to append, but the peer may have entries that it doesn't know to be committed. The next append will say so; unless one leaves
 * soon, or when somebody may wait for it there, this does.
 */
function tellCommit(raft: RaftState, leadership: Leadership, peer: PeerProgress, noticesDueAt: number): void {
  const commit = Math.min(peer.match, raft.commitIndex);
  if (peer.sentCommit >= commit) return;
  if (raft.now < noticesDueAt && peer.sentCommit >= leadership.awaitedElsewhereThrough) {
    leadership.noticesDueAt = noticesDueAt;
    return;
  }
  peer.sentCommit = commit;
  raft.send(peer.id, { type: 'heartbeat', term: raft.term, round: leadership.rounds.current, commit });
}

/** Whether the entry before the peer's next one is compacted away, so that no append can name it. */
function isBehindLog(raft: RaftState, peer: PeerProgress): boolean {
  return raft.log.termAt(peer.next - 1) === undefined;
}

/** §7: the entry before the next one is gone, so only a snapshot can bring this peer on. */
function sendSnapshot(raft: RaftState, peer: PeerProgress): void {
  if (raft.snapshot === null) return;
  enterState(raft, peer, 'snapshot', raft.snapshot.last.index + 1);
  raft.outbox.snapshotSends.push({ peer: peer.id });
}

function replyingPeer(
  raft: RaftState,
  from: NodeId,
  reply: { readonly term: number; readonly round: number },
): { readonly leadership: Leadership; readonly progress: PeerProgress } | null {
  if (reply.term > raft.term) {
    becomeFollower(raft, reply.term, 'higherTerm');
    return null;
  }
  const leadership = raft.leadership;
  const progress = leadership?.peers.get(from);
  if (reply.term < raft.term || leadership === null || progress === undefined) return null;
  noteContact(raft, leadership, progress, reply.round);
  return { leadership, progress };
}

/** One event a turn for each peer that moved. */
function reportProgress(raft: RaftState, peer: PeerProgress): void {
  const { match, next, reported } = peer;
  const inFlight = peer.inflight.count;
  if (reported.match === match && reported.next === next && reported.inFlight === inFlight) return;
  reported.match = match;
  reported.next = next;
  reported.inFlight = inFlight;
  raft.emit({ type: 'ReplicationProgressed', term: raft.term, peer: peer.id, matched: match, next, inFlight });
}
