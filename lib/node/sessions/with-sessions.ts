import { Subject, type Observable } from 'rxjs';
import type { LogIndex } from '../../core/ids.js';
import type { Codec } from '../../ports/codec.js';
import { ConfigError, type ConfigProblem } from '../../ports/errors.js';
import type { Committed, MachineNotice, StateMachine } from '../../ports/state-machine.js';
import { ByteReader } from './byte-reader.js';
import { isSessionCommand, type SessionCommand, type SessionResult } from './commands.js';
import { SessionTable, type CachedResult, type SessionLimits } from './session-table.js';
import { decodeTable, encodeTable } from './table-snapshot.js';

export const DEFAULT_SESSION_LIMITS: SessionLimits = Object.freeze({ sessionTimeoutMs: 300_000, maxSessions: 10_000, maxResultsPerSession: 1_000 });

export interface SessionMachineOptions<R> extends Partial<SessionLimits> {
  /** Carries results from the first time a command is applied to its retries, and in snapshots. */
  readonly resultCodec: Codec<R>;
}

/** A state machine whose clients may have sessions. */
export interface SessionMachine<C, R, Q = never, A = never> extends StateMachine<SessionCommand<C>, SessionResult<R>, Q, A> {
  readonly notices: Observable<MachineNotice>;
  /** From this index of the log on, `hasEffect` knows; what is before was forgotten. */
  readonly effectsKnownFrom: LogIndex;
  /** Whether the command of an applied entry reached the machine: false for a repeat, and for one of a session that was gone. */
  hasEffect(index: LogIndex): boolean;
}

/**
 * Gives a state machine client sessions with exactly-once semantics (thesis §6.3): a command that stands in
 * the log more than once, because its client tried again, is applied the first time only, and every repeat gets the result of
 * that time. Sessions and results are state: they survive restarts and travel in snapshots.
 *
 * Deterministic as the machine itself: time is what the commands carry. `openSession` is the client's side.
 *
 * @throws {ConfigError} when a limit is out of range.
 * @example
 * const node = createRaftNode({ ...parts, stateMachine: withSessions(bank, { resultCodec: msgpackCodec() }) });
 * await node.start();
 * const session = await openSession(node);
 * await session.propose({ type: 'transfer', amount: 5 }); // once, however often the leader fails meanwhile
 */
export function withSessions<C, R, Q = never, A = never>(machine: StateMachine<C, R, Q, A>, options: SessionMachineOptions<R>): SessionMachine<C, R, Q, A> {
  const wrapped = new MachineWithSessions(machine, options.resultCodec, checkedLimits(options));
  // A machine that answers no queries must not seem to.
  return machine.query === undefined ? wrapped : Object.assign(wrapped, { query: (query: Q): A | Promise<A> => queryOf(machine, query) });
}

function queryOf<C, R, Q, A>(machine: StateMachine<C, R, Q, A>, query: Q): A | Promise<A> {
  if (machine.query === undefined) throw new TypeError('this state machine answers no queries: it has no query method');
  return machine.query(query);
}

/** What an entry comes to before the inner machine has run: a result, a place in the inner batch, or the record of the first time. */
type Verdict<R> =
  | SessionResult<R>
  /** `record` is to keep the result; null when nobody can ask for it again. */
  | { readonly type: 'first'; readonly entry: Committed<unknown>; readonly record: CachedResult | null; readonly place: number }
  | { readonly type: 'again'; readonly record: CachedResult };

class MachineWithSessions<C, R, Q, A> implements SessionMachine<C, R, Q, A> {
  readonly notices: Observable<MachineNotice>;
  private readonly noticed = new Subject<MachineNotice>();
  private table: SessionTable;

  constructor(
    private readonly machine: StateMachine<C, R, Q, A>,
    private readonly resultCodec: Codec<R>,
    private readonly limits: SessionLimits,
  ) {
    this.notices = this.noticed.asObservable();
    this.table = this.emptyTable();
  }

  get effectsKnownFrom(): LogIndex {
    return this.table.skipped.knownFrom;
  }

  hasEffect(index: LogIndex): boolean {
    return !this.table.skipped.has(index);
  }

  apply(batch: readonly Committed<SessionCommand<C>>[]): readonly SessionResult<R>[] | Promise<readonly SessionResult<R>[]> {
    const inner: Committed<C>[] = [];
    const verdicts = batch.map((entry) => this.judge(entry, inner));
    if (inner.length === 0) return this.conclude(verdicts, inner, []);
    const results = this.machine.apply(inner);
    if (results instanceof Promise) return results.then((late) => this.conclude(verdicts, inner, late));
    return this.conclude(verdicts, inner, results);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    // Both taken now, not at the first chunk: what is applied from here on must not show.
    const view = this.table.view();
    const machine = this.machine.snapshot();
    return (async function* () {
      yield* encodeTable(view);
      yield* machine;
    })();
  }

  /** @throws {Error} when the chunks are not a snapshot of this kind; the sessions then stay as they were. */
  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const reader = new ByteReader(chunks);
    try {
      const view = await decodeTable(reader);
      await this.machine.restore(reader.rest());
      this.table = new SessionTable(this.limits, (notice) => this.noticed.next(notice), view);
    } finally {
      await reader.close();
    }
  }

  reset(): void | Promise<void> {
    this.table = this.emptyTable();
    return this.machine.reset();
  }

  /** Decides what an entry is to come to, in log order; what the inner machine is to apply joins its batch. */
  private judge(entry: Committed<SessionCommand<C>>, inner: Committed<C>[]): Verdict<R> {
    const { table } = this;
    const { index, term, command } = entry;
    if (!isSessionCommand(command)) return this.refuse(index, 'malformed'); // the log may hold what an older or hostile client sent
    if (command.type !== 'plain') table.advanceTime(command.wallTime, index);
    switch (command.type) {
      case 'openSession': {
        const { sessionTimeoutMs, maxResultsPerSession } = this.limits;
        return { type: 'opened', session: table.open(index), sessionTimeoutMs, maxResultsPerSession };
      }
      case 'keepAlive':
        return table.keepAlive(command.session, command.ackedThrough) ? { type: 'kept' } : { type: 'refused', reason: 'noSession' };
      case 'closeSession':
        table.close(command.session, index);
        return { type: 'closed' };
      case 'plain':
        inner.push({ index, term, command: command.command });
        return { type: 'first', entry, record: null, place: inner.length - 1 };
      case 'command': {
        const admission = table.admit(command.session, command.sequence, command.ackedThrough, index, term);
        if (admission.kind === 'first') {
          inner.push({ index, term, command: command.command });
          return { type: 'first', entry, record: admission.result, place: inner.length - 1 };
        }
        if (admission.kind !== 'again') return this.refuse(index, admission.kind);
        table.skipped.add(index);
        return { type: 'again', record: admission.result };
      }
      default:
        return command satisfies never;
    }
  }

  private refuse(index: LogIndex, reason: 'noSession' | 'acknowledged' | 'beyondWindow' | 'malformed'): SessionResult<R> {
    this.table.skipped.add(index);
    return { type: 'refused', reason };
  }

  /** The inner machine has applied its batch: first the results of what it applied, since a repeat may stand in the same batch, behind. */
  private conclude(verdicts: readonly Verdict<R>[], inner: readonly Committed<C>[], results: readonly R[]): SessionResult<R>[] {
    if (results.length !== inner.length) {
      throw new Error(`the state machine gave ${results.length} results for ${inner.length} commands; it must give one for each, in order`);
    }
    return verdicts.map((verdict): SessionResult<R> => {
      if (verdict.type === 'again') return this.repeat(verdict.record);
      if (verdict.type !== 'first') return verdict;
      const { record, entry, place } = verdict;
      const value = results[place] as R; // one for each, as just checked
      if (record !== null) record.bytes = this.encode(value);
      return { type: 'applied', index: entry.index, term: entry.term, value };
    });
  }

  /** The result as it was the first time; bytes are kept, not values, so that no caller can change it. */
  private repeat({ index, term, bytes }: CachedResult): SessionResult<R> {
    try {
      if (bytes !== null) return { type: 'applied', index, term, value: this.resultCodec.decode(bytes) };
    } catch {
      // Bytes that the codec itself wrote: as lost as if it had written none, on every node alike.
    }
    return { type: 'refused', reason: 'resultLost' };
  }

  /** In a buffer of their own, since they stay for long. Null when the codec can't: the command is applied all the same, on every node alike. */
  private encode(value: R): Uint8Array | null {
    try {
      return new Uint8Array(this.resultCodec.encode(value));
    } catch {
      return null;
    }
  }

  private emptyTable(): SessionTable {
    return new SessionTable(this.limits, (notice) => this.noticed.next(notice));
  }
}

function checkedLimits(options: Partial<SessionLimits>): SessionLimits {
  const limits = { ...DEFAULT_SESSION_LIMITS };
  const problems: ConfigProblem[] = [];
  for (const option of ['sessionTimeoutMs', 'maxSessions', 'maxResultsPerSession'] as const) {
    const value: unknown = options[option];
    if (value === undefined) continue;
    if (Number.isSafeInteger(value) && (value as number) >= 1) Object.assign(limits, { [option]: value });
    else problems.push({ option, value, allowed: 'a whole number of at least 1' });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return limits;
}
