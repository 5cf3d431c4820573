import type { SimulationPlan } from '../../lib/testing/simulation/plan.js';

/** Circumstances for every seed, in place of those that it would draw. */
export interface HuntingGround {
  readonly plan: Partial<SimulationPlan>;
  readonly turns: number;
}

/** One deliberate mistake in one file. */
export interface Mutant {
  /** What the mutated code does wrong. */
  readonly name: string;
  readonly file: string;
  /** What stands in the file exactly once, and what takes its place. */
  readonly edits: readonly (readonly [string, string])[];
  /** Where it is hunted, when a mixture that is rare elsewhere brings it out. */
  readonly ground?: HuntingGround;
  /** What the simulation says when it notices; one of these suffices. */
  readonly caughtAs: RegExp;
}

/** Leases that hold, leaders that are cut off or overthrown all the time, and clients that read from whoever thinks it leads. */
const LEASES: HuntingGround = {
  turns: 2000,
  plan: {
    areLeasesSafe: true,
    clockRates: [1],
    granularityMs: 0,
    faults: ['coup', 'isolation', 'partition', 'one-way cut'],
    faultGapMs: [0, 100],
    operations: ['transfer', 'transfer to one', 'campaign'],
    operationGapMs: [5, 40],
    callGapMs: [1, 5],
    readShare: 0.6,
  },
};

/** Nothing but elections and clients. What falls out of the middle of a turn is a gap; at its end the fold notices first. */
const GAPS: HuntingGround = { turns: 400, plan: { workload: 'journal', faults: [], operations: ['step down'], operationGapMs: [5, 40], callGapMs: [5, 10], maxBurst: 1 } };

/** Leaders that follow one another while clients of a journal read: it tells of each state how old it is. */
const NEW_LEADERS: HuntingGround = {
  turns: 1000,
  plan: { workload: 'journal', faults: ['isolation', 'crash', 'coup'], faultGapMs: [0, 200], operations: ['transfer', 'campaign'], operationGapMs: [5, 60], callGapMs: [1, 10], readShare: 0.6 },
};

/** Clients that try again, under sessions that last. */
const SESSIONS: HuntingGround = {
  turns: 1000,
  plan: { workload: 'key-value', sessionShare: 0.8, roamingClients: 3, roamingGapMs: [0, 20], sessions: { sessionTimeoutMs: 300_000, maxSessions: 1000, maxResultsPerSession: 100 } },
};

/** Leaders that are cut off with what they have taken, and others that go on without it. */
const SPLITS: HuntingGround = { turns: 1000, plan: { faults: ['isolation', 'partition'], faultGapMs: [0, 200], callGapMs: [1, 10], readShare: 0.1 } };

/** Disks that are slower than elections, and leaders that lose touch. */
const SLOW_DISKS: HuntingGround = {
  turns: 1000,
  plan: { syncLatencyMs: [5, 60], faults: ['partition', 'isolation', 'slow disk', 'bridge', 'flapping link'], faultGapMs: [0, 200], callGapMs: [1, 10], readShare: 0.1 },
};

/**
 * Mistakes that broke real systems, and some that would break the promises of the event stream. Each must be noticed by the
 * simulation; one that is not shows a hole in what is checked.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'commits without a majority',
    file: 'lib/core/commit.ts',
    edits: [['const index = quorumReached(raft.configuration, (id) => (id === raft.id ? raft.durability.persistedIndex : (leadership.peers.get(id)?.match ?? 0)));', 'const index = raft.durability.persistedIndex;']],
    caughtAs: /durable on a majority/,
  },
  {
    name: 'commits an entry of an old term by counting (figure 8)',
    file: 'lib/core/commit.ts',
    edits: [[' && raft.log.termAt(index) === raft.term', '']],
    caughtAs: /by counting/,
  },
  {
    name: 'counts what the leader has not on its disk yet',
    file: 'lib/core/commit.ts',
    edits: [['raft.durability.persistedIndex', 'raft.log.last.index']],
    caughtAs: /durable on a majority/,
  },
  {
    name: 'counts the new majority alone while the configuration is joint',
    file: 'lib/core/quorum.ts',
    edits: [['return configuration.votersOutgoing.length === 0 ? incoming : Math.min(incoming, majorityReached(configuration.votersOutgoing, valueOf));', 'return incoming;']],
    caughtAs: /durable on a majority/,
  },
  {
    name: 'is elected by the new majority alone while the configuration is joint',
    file: 'lib/core/quorum.ts',
    edits: [["return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending';", "return incoming === 'won' ? 'won' : 'pending';"]],
    caughtAs: /./,
  },
  {
    name: 'votes before the vote is on disk',
    file: 'lib/core/vote.ts',
    edits: [["raft.sendWhenDurable(from, { type: 'voteReply', term: raft.term, granted: true });", "raft.send(from, { type: 'voteReply', term: raft.term, granted: true });"]],
    caughtAs: /durable before|vote/,
  },
  {
    name: 'votes twice in a term',
    file: 'lib/core/vote.ts',
    edits: [["if (raft.votedFor !== null && raft.votedFor !== from) return 'alreadyVoted';", '']],
    caughtAs: /vote|Election Safety/,
  },
  {
    name: 'votes for a candidate whose log is behind',
    file: 'lib/core/ids.ts',
    edits: [['return candidate.term > own.term || (candidate.term === own.term && candidate.index >= own.index);', 'return candidate.term >= 0 || own.term >= 0;']],
    caughtAs: /Leader Completeness|committed entries|State Machine Safety|Log Matching|correct servers/,
  },
  {
    name: 'votes although it hears a leader that may hold a lease',
    file: 'lib/core/vote.ts',
    edits: [['return raft.now - raft.lastLeaderContactAt < raft.options.electionTimeoutMinMs;', 'return false;']],
    ground: LEASES,
    caughtAs: /leases exclude|reads see/,
  },
  {
    name: 'acknowledges entries that are not on its disk yet',
    file: 'lib/core/follower.ts',
    edits: [['const matched = Math.min(raft.leaderMatched, raft.durability.persistedIndex);', 'const matched = raft.leaderMatched;']],
    caughtAs: /durable before it is acknowledged/,
  },
  {
    name: 'takes entries without comparing what stands before them',
    file: 'lib/core/follower.ts',
    edits: [['if (previous.index >= raft.commitIndex && raft.log.termAt(previous.index) !== previous.term) {', 'if (previous.index > raft.log.last.index) {']],
    ground: SPLITS,
    caughtAs: /Log Matching|State Machine Safety/,
  },
  {
    name: 'does not cut off entries that conflict',
    file: 'lib/core/follower.ts',
    edits: [['raft.log.termAt(index) !== theirs', 'raft.log.termAt(index) === undefined']],
    caughtAs: /./,
  },
  {
    name: 'forgets to cut the disk where it cut the log',
    file: 'lib/core/durability.ts',
    edits: [['    this.#truncateAfter = index;\n', '']],
    caughtAs: /./,
  },
  {
    name: 'takes an old write for durable that was cut meanwhile (A-B-A)',
    file: 'lib/core/durability.ts',
    edits: [['    this.persistedIndex = Math.min(this.persistedIndex, index);\n    for (const write of this.#pending) write.through = Math.min(write.through, index);\n  }\n\n  /** Keeps', '    this.persistedIndex = Math.min(this.persistedIndex, index);\n  }\n\n  /** Keeps']],
    ground: SLOW_DISKS,
    caughtAs: /./,
  },
  {
    name: 'reads without asking a quorum whether it still leads',
    file: 'lib/core/read.ts',
    edits: [['if (leadership.rounds.quorum < leadership.readRound || leadership.confirmingReads.length === 0) return;', 'if (leadership.confirmingReads.length === 0) return;']],
    ground: LEASES,
    caughtAs: /reads see|linearizable/,
  },
  {
    name: 'serves lease reads without a look at the lease',
    file: 'lib/core/read.ts',
    edits: [['lease && leadership.leaseValid && raft.commitIndex', 'lease && raft.commitIndex']],
    ground: LEASES,
    caughtAs: /reads see|linearizable/,
  },
  {
    name: 'answers reads before an entry of its own term is committed',
    file: 'lib/core/read.ts',
    edits: [
      ['  if (raft.commitIndex < leadership.noopIndex) return;\n', ''],
      ['Math.max(index, leadership.noopIndex)', 'index'],
    ],
    ground: NEW_LEADERS,
    caughtAs: /reads see/,
  },
  {
    name: 'keeps its lease when it told another to take over',
    file: 'lib/core/transfer.ts',
    edits: [['leadership.isLeaseVoid = true;\n    if (leadership.leaseValid) {', 'if (false) {']],
    ground: LEASES,
    caughtAs: /leases exclude|reads see/,
  },
  {
    name: 'trusts its lease for longer than its followers keep still',
    file: 'lib/core/lease.ts',
    edits: [
      ['raft.options.electionTimeoutMinMs * (1 - raft.options.leaseDriftMargin)', '3 * raft.options.electionTimeoutMinMs'],
      ['leadership.awakeSince) + raft.options.electionTimeoutMinMs', 'leadership.awakeSince) + 3 * raft.options.electionTimeoutMinMs'],
    ],
    ground: LEASES,
    caughtAs: /leases exclude|reads see/,
  },
  {
    name: 'applies commands in another order',
    file: 'lib/node/applier.ts',
    edits: [['this.parts.stateMachine.apply(batch);', 'this.parts.stateMachine.apply([...batch].reverse());']],
    caughtAs: /State Machine Safety/,
  },
  {
    name: 'applies a batch twice after a restart from a snapshot',
    file: 'lib/core/snapshot.ts',
    edits: [['  raft.appliedIndex = last.index;\n  raft.applyingThrough = last.index;\n', '']],
    caughtAs: /./,
  },
  {
    name: 'compacts what no snapshot covers',
    file: 'lib/core/snapshot.ts',
    edits: [['const covered = Math.min(through, raft.snapshot?.last.index ?? 0, raft.appliedIndex, raft.durability.persistedIndex);', 'const covered = Math.min(through, raft.appliedIndex, raft.durability.persistedIndex);']],
    caughtAs: /./,
  },
  {
    name: "applies a session's command twice when it is tried again",
    file: 'lib/node/sessions/session-table.ts',
    edits: [["    if (known !== undefined) return { kind: 'again', result: known };\n", '']],
    ground: SESSIONS,
    caughtAs: /takes effect once/,
  },
  {
    name: 'loses its sessions in a snapshot',
    file: 'lib/node/sessions/with-sessions.ts',
    edits: [['      const view = await decodeTable(reader);\n', '      const view = { ...(await decodeTable(reader)), sessions: [] };\n']],
    ground: SESSIONS,
    caughtAs: /every server (applies the same commands|gives the same results)/,
  },
  {
    name: 'publishes no event of one kind',
    file: 'lib/core/commit.ts',
    edits: [["  raft.emit({ type: 'EntriesApplied', term: raft.term, from, to: plainLogId(raft.log.idAt(through)), applyMs });\n", '']],
    caughtAs: /fold|follow/,
  },
  {
    name: 'drops an event now and then',
    file: 'lib/node/reporting/publisher.ts',
    edits: [['if (this.isObserved) this.deliver(', 'if (this.isObserved && this.seq % 97 !== 0) this.deliver(']],
    ground: GAPS,
    caughtAs: /gapless/,
  },
  {
    name: 'publishes an event twice now and then',
    file: 'lib/node/reporting/publisher.ts',
    edits: [['        if (this.isObserved) this.deliver(', '        for (let copies = this.seq % 97 === 0 ? 2 : 1; copies > 0 && this.isObserved; copies -= 1) this.deliver(']],
    caughtAs: /gapless/,
  },
  {
    name: 'tells of a role change that was none',
    file: 'lib/core/roles.ts',
    edits: [["  const to = visibleRole(raft);\n  if (from !== to) raft.emit({ type: 'RoleChanged', term: raft.term, from, to, reason });\n}\n\n/**\n * \"If RPC", "  const to = visibleRole(raft);\n  raft.emit({ type: 'RoleChanged', term: raft.term, from, to, reason });\n}\n\n/**\n * \"If RPC"]],
    caughtAs: /./,
  },
  {
    name: 'shows metrics that are older than the event at hand',
    file: 'lib/node/turn-loop.ts',
    edits: [
      ['    metrics.apply(events, now, publisher.nextSeq);\n    metrics.emitTurn();\n', '    const nextSeq = publisher.nextSeq;\n'],
      ['    const failure = publisher.takeFailure(', '    metrics.apply(events, now, nextSeq);\n    metrics.emitTurn();\n    const failure = publisher.takeFailure('],
    ],
    caughtAs: /./,
  },
  {
    name: 'shows metrics in the middle of a turn (torn)',
    file: 'lib/node/turn-loop.ts',
    edits: [['    metrics.apply(events, now, publisher.nextSeq);\n', '    metrics.apply(events.slice(0, 1), now, publisher.nextSeq);\n    metrics.emitTurn();\n    if (events.length > 1) metrics.apply(events.slice(1), now, publisher.nextSeq + 1);\n']],
    caughtAs: /metrics are never torn/,
  },
];
