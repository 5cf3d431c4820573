import type { Entry } from '../../core/entry.js';
import type { EntryList } from '../../core/entry-list.js';
import type { Configuration } from '../../core/configuration.js';
import type { HardState } from '../../core/output.js';
import type { LogId, LogIndex, NodeId, Term } from '../../core/ids.js';
import type { CoreStatus } from '../../core/status.js';
import type { SnapshotMeta } from '../../core/messages.js';
import type { MetricsFold } from '../../node/metrics/fold.js';
import type { RaftMetrics } from '../../node/metrics/metrics.js';
import type { ShadowLog } from './shadow-log.js';
import type { ToldState } from './told-state.js';

/** What is on a server's disk, as far as the checks look at it. `MemoryDisk.image` is one. */
export interface DiskImage {
  readonly hardState: HardState;
  readonly compacted: LogId;
  /** The log after `compacted`. */
  readonly entries: EntryList;
  readonly lastLog: LogId;
  readonly snapshot: { readonly meta: SnapshotMeta } | null;
}

/** One run of a server: from start to stop or crash. */
export interface RunRecord {
  readonly runId: string;
  readonly metrics: () => RaftMetrics;
  /** An independent fold of what was published. */
  readonly fold: MetricsFold;
  /** What the events have said, for the next one to follow from. */
  readonly told: ToldState;
  /** Of the last event. */
  seq: number;
  /** The last event that the metrics which were emitted last take in. */
  shownSeq: number;
  turns: number;
  /** After the last turn; null before the first. */
  status: CoreStatus | null;
  /** The log in memory as the run's writes made it. */
  log: ShadowLog;
  /** As the events tell it: the configuration in which the server decides. */
  inForce: Configuration;
  /** Between LeadershipAcquired and LeadershipLost. */
  isLeading: boolean;
  /** Set while its process is paused or gone: then what it last said of its lease binds nobody. */
  isSuspended: boolean;
  hasEnded: boolean;
  /** Changes and transfers that its core was asked for and has not answered. */
  readonly unanswered: Set<string>;
  /** What the state machine was given last. */
  appliedIndex: LogIndex;
}

/** One server across all its runs: what it must never take back. */
export class ServerRecord {
  run: RunRecord | null = null;
  /** The greatest term that any message of this server has named as its own. */
  saidTerm: Term = 0;
  /** Whom this server's replies (and its own candidacies) gave the vote of each term. */
  readonly votes = new Map<Term, NodeId>();
  /** As last seen on disk. */
  hardState: HardState = { term: 0, votedFor: null };

  constructor(
    readonly id: NodeId,
    readonly image: DiskImage,
  ) {}

  /** The durable entry at an index, if there is one. */
  durable(index: LogIndex): Entry | undefined {
    return this.image.entries.at(index);
  }
}
