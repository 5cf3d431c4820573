import { BehaviorSubject, NEVER, Observable, catchError, concatWith, defer, filter, firstValueFrom, ignoreElements, map, race, throwError } from 'rxjs';
import type { LogIndex, Term } from '../core/ids.js';
import type { CallSignal } from '../ports/call-signal.js';
import type { Clock } from '../ports/clock.js';
import { ActionRefusedError, ProposalIndeterminateError, StorageError } from '../ports/errors.js';
import { CurrentValue } from './metrics/current-value.js';
import { DEFAULT_LIMITS } from './options.js';
import type { Applied, CallOptions, CommittedOptions, ObservableValue, RaftNode } from './raft-node.js';
import type { Reduced, ReplicatedMachine } from './replicated-machine.js';
import type { SessionCommand, SessionResult } from './sessions/commands.js';
import { limitsFrom, type Limits } from './sessions/limits.js';
import { ReopeningSession } from './sessions/reopening-session.js';
import type { SessionMachine } from './sessions/with-sessions.js';
import { systemClock } from './system-clock.js';

/** The node beneath a store. */
export type ReplicatedNode<S, A> = RaftNode<SessionCommand<A>, SessionResult<Reduced>, void, S>;

export interface ReplicatedStoreParts<S, A> {
  readonly node: ReplicatedNode<S, A>;
  /** The reducer's own machine. */
  readonly reduced: ReplicatedMachine<S, A>;
  /** The same one with sessions, as the node runs it. */
  readonly machine: Pick<SessionMachine<A, Reduced, void, S>, 'hasEffect' | 'effectsKnownFrom'>;
  /** As given to the node. */
  readonly clock?: Clock | undefined;
  readonly requestTimeoutMs?: number | undefined;
}

/** An action with its place in the log. */
export interface CommittedAction<A> {
  readonly index: LogIndex;
  readonly term: Term;
  readonly action: A;
}

/** `from`: the first index wanted, default the one after what `state` shows. `signal` ends the stream. */
export type ActionsOptions = CommittedOptions;

/**
 * A reducer replicated by Raft: `scan`, on every node of a cluster at once.
 *
 * @example
 * const counter = await openReplicated({ node: { id: 'a', peers, dataDir: './data' }, reducer: (n, by) => n + by, initial: 0 });
 * counter.state.subscribe(console.log);
 * await counter.dispatch(1);
 */
export class ReplicatedStore<S, A> {
  /** The node beneath: its events, its metrics. */
  readonly node: ReplicatedNode<S, A>;
  /**
   * The state as this node has applied it: the current value first, then one emission per applied batch. Never
   * goes back to an earlier one, also when a snapshot is restored; after a restart it begins at the newest snapshot here.
   */
  readonly state: ObservableValue<S>;

  private readonly shown: BehaviorSubject<{ readonly state: S; readonly index: LogIndex }>;
  private readonly session: ReopeningSession<A, Reduced>;
  private readonly clock: Clock;
  private readonly requestTimeoutMs: number;
  private readonly machine: ReplicatedStoreParts<S, A>['machine'];

  constructor({ node, reduced, machine, clock = systemClock, requestTimeoutMs = DEFAULT_LIMITS.requestTimeoutMs }: ReplicatedStoreParts<S, A>) {
    this.node = node;
    this.machine = machine;
    this.clock = clock;
    this.requestTimeoutMs = requestTimeoutMs;
    this.session = new ReopeningSession(node, { clock, requestTimeoutMs });
    const shown = new BehaviorSubject(reduced.current.value);
    // A machine that is restored is reset first: that is its own affair. The two live and die together.
    reduced.current.pipe(filter(({ index }) => index > shown.value.index)).subscribe((current) => shown.next(current));
    this.shown = shown;
    this.state = new CurrentValue(
      () => shown.value.state,
      (subscriber) => {
        // The state first: whoever comes after the end still gets the last one.
        subscriber.add(shown.subscribe(({ state }) => subscriber.next(state)));
        return node.events.subscribe({ error: (error: unknown) => subscriber.error(error), complete: () => subscriber.complete() });
      },
    );
  }

  /**
   * Replicates an action; resolves once it is committed and `state` on this node holds it. It is reduced once,
   * however often the leader fails meanwhile: it travels in a client session, which is opened for the first dispatch, and anew
   * when it has expired (an action that the expired one refused is dispatched in the new one). Actions dispatched
   * side by side may change places when a leader fails; await one before the next where the order matters.
   *
   * @throws {ActionRefusedError} when the reducer threw.
   * @throws {ProposalIndeterminateError} when its limits, or the node, end while it may be in the log, or before this node has applied it.
   * @throws {TimeoutError | OverloadedError | StoppedError} or the signal's reason: it did not take effect.
   */
  async dispatch(action: A, options: CallOptions = {}): Promise<Omit<Applied<void>, 'value'>> {
    const limits = limitsFrom(options, this.requestTimeoutMs, this.clock);
    const { index, term, value } = await this.session.propose(action, options);
    if (!value.ok) throw new ActionRefusedError(value.message);
    if (this.shown.value.index < index) await this.whenShown(index, limits);
    return { index, term };
  }

  /**
   * The actions of the log in order, each once, with index and term: what is applied already from `from` on, then
   * those to come. Folding them from the state at `from` gives `state`; an action that the reducer refused is among them and
   * changes nothing. Cold; ends as the node does. Errors with `StorageError` when `from` is compacted away, also
   * when this happens to a subscriber that lags behind a snapshot from the leader.
   */
  actions(options: ActionsOptions = {}): Observable<CommittedAction<A>> {
    const { machine, node, shown } = this;
    return defer(() =>
      node.committed({ ...options, from: options.from ?? shown.value.index + 1 }).pipe(
        filter(({ index, command }) => {
          if (index < machine.effectsKnownFrom) throw new StorageError('actions', `which commands before ${machine.effectsKnownFrom} are repeats is forgotten; begin there`);
          return (command.type === 'command' || command.type === 'plain') && machine.hasEffect(index);
        }),
        map(({ index, term, command }) => ({ index, term, action: (command as SessionCommand<A> & { readonly command: A }).command })),
      ),
    );
  }

  /** Closes the session when a leader is there to take note of it, and stops the node. */
  async stop(): Promise<void> {
    if (this.node.metrics.value.leaderId !== null && this.node.metrics.value.runningState === 'running') {
      await this.session.close({ timeoutMs: CLOSE_TIMEOUT_MS }).catch(() => undefined); // it expires by itself
    }
    await this.node.stop();
  }

  /** Another node leads, and has the answer sooner than this one the entry. */
  private async whenShown(index: LogIndex, limits: Limits): Promise<void> {
    const here = this.shown.pipe(filter((shown) => shown.index >= index));
    await firstValueFrom(race(here, this.ended(), expired(this.clock, limits), aborted(limits.signal)));
  }

  /** Errors once the node has stopped or failed. The action is committed, and this node's state does not show it. */
  private ended(): Observable<never> {
    const stopped = throwError(() => new ProposalIndeterminateError('stopped'));
    return this.node.metrics.pipe(
      ignoreElements(),
      catchError((cause: unknown) => throwError(() => new ProposalIndeterminateError('fatalError', { cause }))),
      concatWith(stopped),
    );
  }
}

/** How long `stop` waits for the session to be closed. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Errors when the time is up. */
function expired(clock: Clock, { deadline }: Limits): Observable<never> {
  return new Observable((subscriber) => clock.schedule(deadline - clock.now(), () => subscriber.error(new ProposalIndeterminateError('timeout'))));
}

/** Errors when the signal is aborted. */
function aborted(signal: CallSignal | undefined): Observable<never> {
  if (signal === undefined) return NEVER;
  return new Observable((subscriber) => {
    const abort = (): void => subscriber.error(new ProposalIndeterminateError('aborted', { cause: signal.reason }));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  });
}
