import type { Configuration } from './configuration.js';
import { Durability } from './durability.js';
import type { RaftEventBody, Role } from './events.js';
import type { LogId, LogIndex, NodeId, Term } from './ids.js';
import type { Leadership, Transfer } from './leadership.js';
import { RaftLog } from './log.js';
import { MembershipHistory } from './membership.js';
import type { RaftMessage, SnapshotMeta } from './messages.js';
import type { CoreOptions } from './options.js';
import { Outbox } from './outbox.js';
import { Random } from './random.js';

/** What a server is doing in its term, with what only that role needs. */
export type RoleState =
  | { readonly type: 'follower' }
  | { readonly type: 'preCandidate'; readonly votes: Map<NodeId, boolean>; readonly trigger: 'timeout' | 'requested' }
  | { readonly type: 'candidate'; readonly votes: Map<NodeId, boolean>; readonly startedAt: number }
  | { readonly type: 'leader'; readonly leadership: Leadership };

/** One server's whole state. Every rule of the protocol is a function over it, in the file of its subject. */
export class RaftState {
  readonly log = new RaftLog();
  readonly membership = new MembershipHistory();
  readonly durability = new Durability();
  readonly outbox = new Outbox();
  readonly random: Random;

  /** The turn's time, monotonic ms. */
  now = 0;
  /** Latest term seen; grows (§5.1). Durable before anything that says so leaves. */
  term: Term = 0;
  /** Whom this server voted for in `term` (§5.2). */
  votedFor: NodeId | null = null;
  role: RoleState = { type: 'follower' };
  leaderId: NodeId | null = null;

  /** Highest entry known to be committed; grows (§5.3). */
  commitIndex: LogIndex = 0;
  /** Highest entry that the state machine holds; at most `commitIndex`. */
  appliedIndex: LogIndex = 0;
  /** End of the batch that the state machine is working on; equals `appliedIndex` when it is idle. */
  applyingThrough: LogIndex = 0;
  /** The latest durable snapshot. */
  snapshot: SnapshotMeta | null = null;
  /** The snapshot that is being received or restored; while it is, this server does not campaign. Null again once its sender falls silent. */
  installing: LogId | null = null;
  /** The one that is here whole: log and state machine are about to be replaced, so nothing is appended or applied. */
  restoring: LogId | null = null;

  /** Everything through here equals the log of this term's leader. Back to 0 when the term changes. */
  leaderMatched: LogIndex = 0;
  /** The newest round heard from this term's leader. */
  leaderRound = 0;
  /** The newest round that was echoed to it. */
  answeredRound = 0;
  /** An append from this term's leader waits for its acknowledgement. */
  ackOwed = false;
  /** What this term's leader was last told is durable here. */
  acknowledgedThrough: LogIndex = 0;

  /** When a leader was last heard, of whatever term. */
  lastLeaderContactAt = -Infinity;
  /** No vote is given before this: a lease that this server acknowledged before it restarted may still run. */
  noVoteBefore = -Infinity;
  electionDeadline = Infinity;
  electionTimeoutMs = 0;
  /** A transfer that outlived the leadership which began it: who leads next decides what became of it. */
  handover: Transfer | null = null;
  /** Members to which the transport has no connection, and why; as told by PeerUnreachable. */
  readonly unreachable = new Map<NodeId, string>();
  halted = false;
  /** Maintenance: this server starts no election of its own. */
  electionsPaused = false;
  /** Its election timer ran out while it slept, and was given one more round; it has heard no leader since. */
  hasOverslept = false;
  /** It gave leadership up on request and takes none before this. */
  standsBackUntil = -Infinity;

  constructor(readonly options: CoreOptions) {
    this.random = new Random(options.seed);
  }

  get id(): NodeId {
    return this.options.id;
  }

  get configuration(): Configuration {
    return this.membership.effective.configuration;
  }

  /** The leader's own state, or null in any other role. */
  get leadership(): Leadership | null {
    return this.role.type === 'leader' ? this.role.leadership : null;
  }

  /** Whether this server would take leadership over if it were told to (thesis §3.10). */
  get isWilling(): boolean {
    return !this.electionsPaused && this.now >= this.standsBackUntil;
  }

  /** The last entry that would survive a crash. Only this counts in an election. */
  get persistedLast(): LogId {
    return this.log.idAt(this.durability.persistedIndex);
  }

  emit(event: RaftEventBody): void {
    this.outbox.events.push(event);
  }

  /** Sends what promises nothing that is not durable yet. */
  send(to: NodeId, message: RaftMessage): void {
    this.outbox.messages.push({ to, message });
  }

  /** Sends what depends on the current term and vote: at once when they are durable, else as soon as they are. */
  sendWhenDurable(to: NodeId, message: RaftMessage): void {
    if (!this.durability.hold(to, message)) this.send(to, message);
  }
}

/** The role as the outside sees it: a follower without a vote is a learner. */
export function visibleRole(raft: RaftState): Role {
  if (raft.role.type !== 'follower') return raft.role.type;
  const { voters, votersOutgoing } = raft.configuration;
  return voters.includes(raft.id) || votersOutgoing.includes(raft.id) ? 'follower' : 'learner';
}

/** A log id and nothing else: entries double as log ids inside the core and must not leak into events. */
export function plainLogId(id: LogId): LogId {
  return { index: id.index, term: id.term };
}
