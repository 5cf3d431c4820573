import type { LogIndex, Term } from '../../core/ids.js';
import type { MachineNotice } from '../../ports/state-machine.js';
import type { SessionId } from './commands.js';
import { SkippedEntries } from './skipped-entries.js';

/** The bounds of a machine's sessions: like its code, the same on every node, or the nodes' states part. */
export interface SessionLimits {
  /** A session idle for longer, by replicated time, expires. Choose it well above what the nodes' clocks differ by. Default 300 000. */
  readonly sessionTimeoutMs: number;
  /** One more, and the session that has been idle longest expires. Default 10 000. */
  readonly maxSessions: number;
  /** A command so many sequences ahead of what its client acknowledged is refused; so no session keeps more results. Default 1 000. */
  readonly maxResultsPerSession: number;
}

/** What a session's command gave when it was applied. */
export interface CachedResult {
  readonly index: LogIndex;
  readonly term: Term;
  /** Null until the machine has applied the command, and for ever when its result can't be encoded. */
  bytes: Uint8Array | null;
}

/** One client. */
export interface Session {
  readonly id: SessionId;
  /** Replicated time of its last command, ms. */
  lastActiveAt: number;
  /** Results through this sequence are forgotten. */
  ackedThrough: number;
  /** By sequence, all above `ackedThrough`. */
  readonly results: Map<number, CachedResult>;
  /** Of which generation of the table this record is; an older one belongs to a snapshot and is copied before it changes. */
  readonly generation: number;
}

/** The table as it was at one moment. */
export interface TableView {
  readonly time: number;
  /** Longest idle first. */
  readonly sessions: readonly Session[];
  readonly skippedFrom: LogIndex;
  readonly skipped: readonly LogIndex[];
}

/** What to do with a session's command. `first` is a new record for the result; `again` is the one of the first time. */
export type Admission = { readonly kind: 'first' | 'again'; readonly result: CachedResult } | { readonly kind: 'noSession' | 'acknowledged' | 'beyondWindow' };

/**
 * Every open session with the results its client may still ask for (thesis §6.3). Changes by log entries alone.
 */
export class SessionTable {
  readonly skipped: SkippedEntries;
  /** Replicated time, ms since 1970: the greatest wall time of any entry. Never goes back. */
  private time: number;
  /** Longest idle first: whoever is active moves to the end. */
  private readonly sessions: Map<SessionId, Session>;
  private generation = 0;

  constructor(
    private readonly limits: SessionLimits,
    private readonly notify: (notice: MachineNotice) => void,
    from: TableView = { time: 0, sessions: [], skippedFrom: 0, skipped: [] },
  ) {
    this.time = from.time;
    this.sessions = new Map(from.sessions.map((session) => [session.id, session]));
    this.skipped = new SkippedEntries(from.skippedFrom, from.skipped);
  }

  /** Time moves on to what an entry's proposer saw, if that is later: whoever has been idle for too long then expires. */
  advanceTime(wallTime: number, index: LogIndex): void {
    if (wallTime <= this.time) return;
    this.time = wallTime;
    for (const session of this.sessions.values()) {
      if (this.time - session.lastActiveAt <= this.limits.sessionTimeoutMs) break;
      this.expire(session, index, 'idle');
    }
  }

  /** The entry at `index` opens a session; where there is no room, the longest idle one makes it. */
  open(index: LogIndex): SessionId {
    for (const session of this.sessions.values()) {
      if (this.sessions.size < this.limits.maxSessions) break;
      this.expire(session, index, 'evicted');
    }
    this.sessions.set(index, { id: index, lastActiveAt: this.time, ackedThrough: 0, results: new Map(), generation: this.generation });
    this.notify({ type: 'SessionOpened', session: index });
    return index;
  }

  /** Decides on the command of the entry at `index`; the session is active. */
  admit(id: SessionId, sequence: number, ackedThrough: number, index: LogIndex, term: Term): Admission {
    const session = this.touch(id, ackedThrough);
    if (session === null) return { kind: 'noSession' };
    if (sequence <= session.ackedThrough) return { kind: 'acknowledged' };
    const known = session.results.get(sequence);
    if (known !== undefined) return { kind: 'again', result: known };
    if (sequence > session.ackedThrough + this.limits.maxResultsPerSession) return { kind: 'beyondWindow' };
    const result: CachedResult = { index, term, bytes: null };
    session.results.set(sequence, result);
    return { kind: 'first', result };
  }

  /** Keeps a session alive and forgets what it acknowledges; false when it is not there. */
  keepAlive(id: SessionId, ackedThrough: number): boolean {
    return this.touch(id, ackedThrough) !== null;
  }

  /** Ends a session; nothing happens when it is not there. */
  close(id: SessionId, index: LogIndex): void {
    if (this.sessions.delete(id)) this.notify({ type: 'SessionClosed', session: id, index });
  }

  /** The table as it is now. What it refers to changes no more: records are copied before they change. */
  view(): TableView {
    this.generation += 1;
    return { time: this.time, sessions: [...this.sessions.values()], skippedFrom: this.skipped.knownFrom, skipped: this.skipped.toArray() };
  }

  private touch(id: SessionId, ackedThrough: number): Session | null {
    const found = this.sessions.get(id);
    if (found === undefined) return null;
    const session = found.generation === this.generation ? found : { ...found, results: new Map(found.results), generation: this.generation };
    session.lastActiveAt = this.time;
    if (ackedThrough > session.ackedThrough) acknowledge(session, ackedThrough);
    this.sessions.delete(id);
    this.sessions.set(id, session);
    return session;
  }

  private expire(session: Session, index: LogIndex, reason: 'idle' | 'evicted'): void {
    this.sessions.delete(session.id);
    this.notify({ type: 'SessionExpired', session: session.id, index, reason, idleMs: this.time - session.lastActiveAt });
  }
}

/** Forgets results through a sequence, in steps of whichever is fewer: sequences or results. */
function acknowledge(session: Session, through: number): void {
  const { results, ackedThrough } = session;
  session.ackedThrough = through;
  if (through - ackedThrough <= results.size) {
    for (let sequence = ackedThrough + 1; sequence <= through; sequence += 1) results.delete(sequence);
  } else {
    for (const sequence of results.keys()) if (sequence <= through) results.delete(sequence);
  }
}
