import type { Entry } from '../../core/entry.js';
import { entriesBytes } from '../../core/entry.js';
import type { Input } from '../../core/inputs.js';
import type { LogId } from '../../core/ids.js';
import type { SnapshotMeta } from '../../core/messages.js';
import type { RaftEventBody } from '../../core/events.js';
import type { RaftCore } from '../../core/raft.js';
import type { Clock } from '../../ports/clock.js';
import { StoppedError } from '../../ports/errors.js';
import type { StateMachine } from '../../ports/state-machine.js';
import type { Storage } from '../../ports/storage.js';
import { NOTHING } from './nothing.js';
import { paced } from './paced.js';
import type { SnapshotPolicy } from './policy.js';

export interface SnapshotKeeperParts {
  readonly core: RaftCore;
  readonly stateMachine: Pick<StateMachine<never, unknown>, 'snapshot'>;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Null: only by hand. */
  readonly policy: SnapshotPolicy | null;
  readonly enqueue: (input: Input) => void;
  readonly report: (event: RaftEventBody) => void;
  /** Whether the state machine works on no batch. */
  readonly isIdle: () => boolean;
  /** The store takes no more: the node must stop. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** How soon a snapshot by hand looks again when it can't be taken at the moment. */
const RETRY_MS = 1;

/**
 * Takes snapshots of the own state machine, by policy and by hand, and lets the log behind them go. One at
 * a time; the state machine goes on meanwhile, since its snapshot is of the moment it was asked. A snapshot that fails
 * is reported and leaves the one before it in force.
 */
export class SnapshotKeeper {
  private entries = 0;
  private bytes = 0;
  private taking: Promise<SnapshotMeta> | null = null;
  private applied: LogId;
  private isClosed = false;
  /** Whoever waits for the right moment looks again. */
  private wake: () => void = () => undefined;
  /** Whoever waits for the snapshot under way is told that the node ends. */
  private giveUp: () => void = () => undefined;

  constructor(private readonly parts: SnapshotKeeperParts) {
    this.applied = parts.core.snapshot?.last ?? { index: 0, term: 0 };
  }

  /** The state machine holds these entries now, and no batch is under way. */
  noteApplied(entries: readonly Entry[]): void {
    const last = entries[entries.length - 1];
    if (last === undefined) return;
    this.applied = { index: last.index, term: last.term };
    this.entries += entries.length;
    this.bytes += entriesBytes(entries);
    const { policy } = this.parts;
    if (policy === null || (this.entries < policy.entries && this.bytes < policy.bytes) || this.taking !== null || !this.isTakeable) return;
    this.take('policy').catch(() => undefined); // said as SnapshotFailed
  }

  /** The state machine was restored to `last`. */
  noteRestored(last: LogId): void {
    this.applied = { index: last.index, term: last.term };
    this.entries = 0;
    this.bytes = 0;
  }

  /** The node ends: none is begun any more, and nobody waits for the one that is being taken. */
  close(): void {
    this.isClosed = true;
    this.wake();
    this.giveUp();
  }

  /** Takes one now, or joins the one that is being taken. Rejects with what state machine or storage said. */
  take(trigger: 'policy' | 'manual'): Promise<SnapshotMeta> {
    this.taking ??= this.untilClosed(this.whenTakeable(trigger)).finally(() => (this.taking = null));
    return this.taking;
  }

  /**
   * A snapshot carries the configuration in force at its last entry: known unless a later one is committed
   * already. And it must not be ahead of the durable log, since entries are applied before the own disk has them;
   * nor of a state machine that is being replaced.
   */
  private get isTakeable(): boolean {
    const { committedMembership, persistedIndex, restoring } = this.parts.core;
    return restoring === null && committedMembership.index <= this.applied.index && this.applied.index <= persistedIndex;
  }

  /** Between two batches, with the disk and the configuration up to what is applied. */
  private async whenTakeable(trigger: 'policy' | 'manual'): Promise<SnapshotMeta> {
    const { isIdle } = this.parts;
    while (!isIdle() || !this.isTakeable) await this.pause();
    if (this.applied.index === 0) throw new Error('nothing is applied yet: there is nothing to take a snapshot of');
    return this.run(trigger);
  }

  /** The snapshot, or a rejection when the node ends before it is durable: state machine and storage may take longer than `stop`. */
  private untilClosed(work: Promise<SnapshotMeta>): Promise<SnapshotMeta> {
    return new Promise((resolve, reject) => {
      this.giveUp = () => reject(new StoppedError('stopped'));
      work.then(resolve, reject);
    });
  }

  /** Until the next look. @throws {StoppedError} when the node ends meanwhile. */
  private async pause(): Promise<void> {
    if (!this.isClosed) {
      await new Promise<void>((resolve) => {
        const cancel = this.parts.clock.schedule(RETRY_MS, resolve);
        this.wake = () => {
          cancel();
          resolve();
        };
      });
    }
    if (this.isClosed) throw new StoppedError('stopped');
  }

  private async run(trigger: 'policy' | 'manual'): Promise<SnapshotMeta> {
    const { core, stateMachine, storage, clock, enqueue, report } = this.parts;
    const { snapshot } = core;
    if (snapshot?.last.index === this.applied.index) return snapshot;
    const startedAt = clock.now();
    const { index, configuration } = core.committedMembership;
    const last = this.applied;
    this.entries = 0;
    this.bytes = 0;
    report({ type: 'SnapshotStarted', term: core.term, trigger, last });
    try {
      const meta = { last, configuration, configurationIndex: index };
      const saved = await storage.saveSnapshot(meta, paced(stateMachine.snapshot(), clock), { replaceLog: false });
      if (saved.last.index !== last.index) return saved; // the leader's, which overtook this one: whoever received it tells the core
      enqueue({ type: 'snapshotSaved', snapshot: saved, ms: clock.now() - startedAt });
      const { policy } = this.parts;
      if (policy !== null) enqueue({ type: 'compact', through: Math.max(0, last.index - policy.keepEntries) });
      return saved;
    } catch (error) {
      report({ type: 'SnapshotFailed', term: core.term, error: error instanceof Error ? error.message : String(error) });
      storage.append(NOTHING).catch((cause: unknown) => this.parts.onFault('saveSnapshot', cause)); // rejects when the store failed for good
      throw error;
    }
  }
}
