import { entriesBytes } from '../../core/entry.js';
import type { LogId, LogIndex } from '../../core/ids.js';
import { RaftError, StorageError } from '../../ports/errors.js';
import { Arena } from './arena.js';
import type { Commit } from './commit.js';
import { GroupBuilder, type LogChange } from './group.js';
import type { LogReader } from './log-reader.js';
import type { Segments } from './segments.js';
import type { LogState } from './state-record.js';

/** A group is closed once it holds this much. */
const MAX_GROUP_BYTES = 1024 * 1024;

/** `reset` makes an empty log that goes on after `to`; `barrier` changes nothing and resolves when all before it is durable. */
type Change = LogChange | { readonly type: 'reset'; readonly to: LogId } | { readonly type: 'barrier' };

/** What a commit goes through, so that tests can count commits and make them fail. */
export type AroundCommit = (commit: () => Promise<void>) => Promise<void>;

interface Waiting {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Group commit. While one commit is under way, changes gather; then they go together in the next, at once. They become
 * durable, and resolve, in the order of the calls. The first failure is final: it is `failure`, and every change
 * that waits or comes later is rejected with it.
 */
export class LogWriter {
  readonly #arena = new Arena();
  #state: LogState;
  #waiting: Waiting[] = [];
  #underWay: readonly Waiting[] = [];
  #failure: Error | null = null;
  /** Set while closing: what is under way still goes on, nothing new is taken. */
  #refusal: Error | null = null;
  /** Settles when nothing waits any more. */
  #run: Promise<void> | null = null;

  constructor(
    private readonly segments: Segments,
    private readonly reader: LogReader,
    state: LogState,
    private readonly aroundCommit: AroundCommit,
  ) {
    this.#state = state;
  }

  /** What is durable. */
  get state(): LogState {
    return this.#state;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  submit(change: Change): Promise<void> {
    const refusal = this.#failure ?? this.#refusal;
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      this.#run ??= this.#commitAll();
    });
  }

  /** Whether something that is not durable yet changes entries at or before `index`. */
  touches(index: LogIndex): boolean {
    return [...this.#underWay, ...this.#waiting].some(({ change }) => lowestTouched(change) <= index);
  }

  /** The end: what waits is rejected, and so is every later call. Returns the error that they are rejected with. */
  fail(error: unknown): Error {
    const failure = this.#failure ?? (error instanceof RaftError ? error : failureOf(error));
    this.#failure = failure;
    const rejected = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    for (const { reject } of rejected) reject(failure);
    return failure;
  }

  /** Lets what was submitted become durable; what comes now is rejected with `refusal`. Never rejects. */
  async finish(refusal: StorageError): Promise<void> {
    this.#refusal = refusal;
    while (this.#run !== null) await this.#run;
    this.#failure ??= refusal;
  }

  /** Removes the segments whose entries are all compacted away. */
  async removeCompacted(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    try {
      await this.segments.removeUnused();
    } catch (error) {
      throw this.fail(error);
    }
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await callersAreDone();
      this.#underWay = this.#takeGroup();
      try {
        await this.#commit(this.#underWay);
      } catch (error) {
        this.fail(error);
        break;
      }
      const done = this.#underWay;
      this.#underWay = [];
      for (const { resolve } of done) resolve();
      // `fail` may have been called while the commit was under way; then both lists are empty.
    }
    this.#run = null;
  }

  /** A reset goes alone; of the rest as much goes together as is packed in a few milliseconds. */
  #takeGroup(): readonly Waiting[] {
    const waiting = this.#waiting;
    let size = 0;
    let bytes = 0;
    for (; size < waiting.length; size++) {
      const { change } = waiting[size] as Waiting;
      if (size > 0 && (change.type === 'reset' || bytes > MAX_GROUP_BYTES)) break;
      if (change.type === 'append') bytes += entriesBytes(change.write.entries);
      if (change.type === 'reset') {
        size++;
        break;
      }
    }
    return waiting.splice(0, size);
  }

  #commit(group: readonly Waiting[]): Promise<void> {
    const builder = new GroupBuilder(this.reader, this.#state);
    let isEmpty = true;
    for (const { change } of group) {
      if (change.type === 'reset') return this.#reset(change.to);
      if (change.type === 'barrier') continue;
      builder.add(change);
      isEmpty = false;
    }
    return isEmpty ? Promise.resolve() : this.#write(builder.build());
  }

  /** A crash in between leaves segments of which nothing counts; the next open removes them. */
  async #reset(to: LogId): Promise<void> {
    await this.#write({ kept: to.index, entries: [], state: { hardState: this.#state.hardState, compacted: to, last: to } });
    await this.segments.removeUnused();
  }

  async #write(commit: Commit): Promise<void> {
    // The commit before is over.
    this.#arena.reset();
    await this.aroundCommit(() => this.segments.commit(commit, this.#arena));
    this.#state = commit.state;
  }
}

/**
 * Settles when no promise is left to go on. What callers submit one after the other, or as soon as they are told that
 * their last is durable, then goes in one commit and not in two by turns. Nothing else waits for it.
 */
function callersAreDone(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function lowestTouched(change: Change): LogIndex {
  switch (change.type) {
    case 'append':
      return Math.min(change.write.truncateAfter === null ? Infinity : change.write.truncateAfter + 1, change.write.entries[0]?.index ?? Infinity);
    case 'compact':
    case 'barrier':
      return Infinity;
    case 'reset':
      return 0;
  }
}

function failureOf(error: unknown): StorageError {
  const message = error instanceof Error ? error.message : String(error);
  return new StorageError('append', `the commit failed (${message}); nothing more is written: mend the cause, e.g. free disk space, and start again`, { cause: error });
}
