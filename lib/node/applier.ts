import type { Entry } from '../core/entry.js';
import type { LogIndex } from '../core/ids.js';
import type { ApplyEffect } from '../core/output.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { Committed, StateMachine } from '../ports/state-machine.js';
import type { Storage } from '../ports/storage.js';
import type { AppliedRange } from './proposals.js';
import { MAX_BUSY_MS } from './turn-loop.js';

export interface ApplierParts<C, R, Q, A> {
  readonly stateMachine: StateMachine<C, R, Q, A>;
  readonly codec: Codec<C>;
  readonly storage: Storage;
  readonly maxApplyBytes: number;
  readonly clock: Clock;
  /** A range is in the state machine. */
  readonly onApplied: (range: AppliedRange, applyMs: number) => void;
  readonly onFault: (operation: string, error: unknown) => void;
}

/**
 * Feeds the state machine committed entries in order, one batch at a time (the core sees to that). A machine that
 * answers at once costs no promise; entries that left memory are read back from storage in pieces, between which it lets go
 * of the thread.
 */
export class Applier<C, R, Q, A> {
  /** The batch under way, when the machine takes its time. */
  private busy: Promise<void> | null = null;
  private isClosed = false;

  constructor(private readonly parts: ApplierParts<C, R, Q, A>) {}

  /** Whether no batch is under way. */
  get isIdle(): boolean {
    return this.busy === null;
  }

  /** Resolves when no batch is under way. */
  async whenIdle(): Promise<void> {
    while (this.busy !== null) await this.busy;
  }

  apply(effect: ApplyEffect): void {
    const { onFault } = this.parts;
    try {
      const done = effect.entries === null ? this.applyFromStorage(effect.from, effect.to) : this.applyEntries(effect.entries);
      if (done === undefined) return;
      // The next batch may begin before this one's end is seen here: only the newest one's end makes idle.
      const busy = done
        .catch((error: unknown) => onFault('apply', error))
        .then(() => {
          if (this.busy === busy) this.busy = null;
        });
      this.busy = busy;
    } catch (error) {
      onFault('apply', error);
    }
  }

  /** The node has ended: of what is read back the machine gets nothing more. */
  close(): void {
    this.isClosed = true;
  }

  private async applyFromStorage(from: LogIndex, to: LogIndex): Promise<void> {
    const { storage, maxApplyBytes, clock } = this.parts;
    let heldSince = clock.now();
    for (let next = from; next <= to; ) {
      const entries = await storage.read(next, to, maxApplyBytes);
      if (this.isClosed) return;
      await this.applyEntries(entries);
      next += entries.length;
      // Neither may have waited for anything: a long log would hold back timers and sockets until it ends.
      if (next > to || clock.now() - heldSince < MAX_BUSY_MS) continue;
      await new Promise<void>((resolve) => clock.yield(resolve));
      heldSince = clock.now();
    }
  }

  private applyEntries(entries: readonly Entry[]): Promise<void> | undefined {
    const startedAt = this.parts.clock.now();
    const batch = this.decode(entries);
    const results = batch.length === 0 ? [] : this.parts.stateMachine.apply(batch);
    if (results instanceof Promise) return results.then((late) => this.finish(entries, batch, late, startedAt));
    this.finish(entries, batch, results, startedAt);
    return undefined;
  }

  private decode(entries: readonly Entry[]): Committed<C>[] {
    const batch: Committed<C>[] = [];
    for (const { kind, index, term, payload } of entries) {
      if (kind === 'command') batch.push({ index, term, command: this.parts.codec.decode(payload) });
    }
    return batch;
  }

  private finish(entries: readonly Entry[], batch: readonly Committed<C>[], results: readonly R[], startedAt: number): void {
    if (results.length !== batch.length) {
      throw new Error(`the state machine gave ${results.length} results for ${batch.length} commands; it must give one for each, in order`);
    }
    const aligned = batch.length === entries.length ? results : spread(entries, results);
    this.parts.onApplied({ entries, results: aligned }, this.parts.clock.now() - startedAt);
  }
}

/** Lines results up with entries when not every entry is a command. */
function spread(entries: readonly Entry[], results: readonly unknown[]): unknown[] {
  let next = 0;
  return entries.map((entry) => (entry.kind === 'command' ? results[next++] : undefined));
}
