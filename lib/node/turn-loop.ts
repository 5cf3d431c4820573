import type { RaftEventBody } from '../core/events.js';
import type { Input } from '../core/inputs.js';
import type { TurnOutput } from '../core/output.js';
import type { RaftCore } from '../core/raft.js';
import type { CoreStatus } from '../core/status.js';
import type { Clock } from '../ports/clock.js';
import type { MetricsStream } from './metrics/stream.js';
import type { EventPublisher } from './reporting/publisher.js';

/** One turn as it happened. */
export interface ObservedTurn {
  readonly now: number;
  readonly inputs: readonly Input[];
  readonly output: TurnOutput;
  /** What was published, in order: the core's events, then the shell's. */
  readonly events: readonly RaftEventBody[];
  readonly status: () => CoreStatus;
}

/** Called after every turn, inside it: it must be quick, and what it throws is the node's own fault. */
export type TurnObserver = (turn: ObservedTurn) => void;

/** What the loop drives and whom it tells. */
export interface TurnLoopParts {
  readonly core: RaftCore;
  readonly clock: Clock;
  readonly metrics: MetricsStream;
  readonly publisher: EventPublisher;
  readonly observer: TurnObserver | undefined;
  readonly stallThresholdMs: number;
  /** Closes the group of proposals that wait, for what is enqueued next comes after them; false when none waits. */
  readonly cutOff: () => boolean;
  /** Adds what gathered outside the queue (waiting proposals, the oldest group of them) as inputs of the turn that begins. */
  readonly gather: (inputs: Input[]) => void;
  /** Carries a turn's effects out; what it reports meanwhile joins the turn's events. */
  readonly dispatch: (output: TurnOutput, now: number) => void;
  /** The core or an effect threw: the node must stop. */
  readonly onFault: (error: unknown) => void;
}

/**
 * A busy loop lets I/O and timers in after this long. Every node counts for itself, so several in one thread hold it for a
 * multiple; letting go costs about 1 µs.
 */
export const MAX_BUSY_MS = 2;

/**
 * So many microtasks pass before an input that nobody waits for gets a turn of its own. Nodes that share a thread hear from each
 * other within fewer; on an idle thread it is held up for less than a microsecond.
 */
const LINGER_MICROTASKS = 8;

/** A reaction to it runs in the next microtask, as by `queueMicrotask`, at a third of the cost. */
const SETTLED = Promise.resolve();

/**
 * The node's one queue, drained in turns: step every input that waits, carry the merged effects out, fold and
 * emit metrics once, publish the events in order. What arrives during a turn waits for the next, so nothing
 * recurses, and the metrics inside an event handler are those of its own turn.
 */
export class TurnLoop {
  private queue: Input[] = [];
  /** Where in the queue a group of calls that wait outside it has its place. */
  private cuts: number[] = [];
  private reports: RaftEventBody[] = [];
  private isScheduled = false;
  private isDraining = false;
  /** Somebody waits for a turn; false when all that is queued may share the next one. */
  private isWanted = false;
  private isLingering = false;
  private lingeredFor = 0;
  private isClosed = false;
  private lastYieldAt: number;
  private wallTime = 0;
  private wallReadAt = -Infinity;
  private timerAt = Infinity;
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly parts: TurnLoopParts) {
    this.lastYieldAt = parts.clock.now();
  }

  /** How many inputs wait. */
  get length(): number {
    return this.queue.length;
  }

  enqueue(input: Input): void {
    this.queue.push(input);
    this.wake();
  }

  /** An input that nobody waits for: the next turn takes it along, and when none comes at once it gets one of its own. */
  enqueueQuietly(input: Input): void {
    this.queue.push(input);
    this.linger();
  }

  /** A call's input: it takes effect after every call that was made before it, those included that wait outside the queue. */
  enqueueCall(input: Input): void {
    if (this.parts.cutOff()) this.cuts.push(this.queue.length);
    this.enqueue(input);
  }

  /** An event of the shell's own; published with the turn in which it was reported, or the next. */
  report(event: RaftEventBody): void {
    this.reports.push(event);
    this.schedule();
  }

  /** Asks for a turn as soon as the current work is done. */
  wake(): void {
    this.isWanted = true;
    this.schedule();
  }

  /** Runs turns until nobody waits for one, or for as long as it may hold the thread. Called from outside only to start a node. */
  drain(now = this.parts.clock.now()): void {
    if (this.isDraining || this.isClosed) return;
    this.isScheduled = false;
    this.isDraining = true;
    try {
      // Reading the clock costs as much as a small turn: once for each.
      do {
        this.turn(now);
        if (!this.mayGoOn()) break;
        now = this.parts.clock.now();
      } while (now - this.lastYieldAt < MAX_BUSY_MS);
    } catch (error) {
      this.parts.onFault(error);
    } finally {
      this.isDraining = false;
    }
    if (!this.isOver()) this.armTimer();
    if (this.mayGoOn()) this.schedule();
    else if (this.queue.length > 0) this.linger();
  }

  /** Before the end: every turn that is left, also for what nobody waits for. */
  finish(): void {
    while (!this.isClosed && !this.isDraining && (this.queue.length > 0 || this.mayGoOn())) this.drain();
  }

  /** No turn runs any more; inputs that wait are dropped. */
  close(): void {
    this.isClosed = true;
    this.cancelTimer();
    this.queue = [];
    this.cuts = [];
  }

  /** Events that were reported and not published: the last turn owes them. */
  takeReports(): readonly RaftEventBody[] {
    const reports = this.reports;
    this.reports = [];
    return reports;
  }

  private schedule(): void {
    if (this.isScheduled || this.isDraining || this.isClosed) return;
    this.isScheduled = true;
    void SETTLED.then(this.drainOrYield);
  }

  private linger(): void {
    if (this.isLingering || this.isScheduled || this.isDraining || this.isClosed) return;
    this.isLingering = true;
    this.lingeredFor = 0;
    void SETTLED.then(this.lingerOn);
  }

  private readonly lingerOn = (): void => {
    this.lingeredFor += 1;
    const isTaken = this.queue.length === 0 || this.isScheduled;
    if (!isTaken && this.lingeredFor < LINGER_MICROTASKS) return void SETTLED.then(this.lingerOn);
    this.isLingering = false;
    if (!isTaken) this.schedule();
  };

  /** A promise-driven application could keep us in microtasks for ever: now and then let I/O and timers in. */
  private readonly drainOrYield = (): void => {
    const { clock } = this.parts;
    const now = clock.now();
    if (now - this.lastYieldAt < MAX_BUSY_MS) this.drain(now);
    else
      clock.yield(() => {
        this.lastYieldAt = clock.now();
        this.drain(this.lastYieldAt);
      });
  };

  private mayGoOn(): boolean {
    return !this.isClosed && (this.isWanted || this.reports.length > 0);
  }

  private isOver(): boolean {
    return this.isClosed;
  }

  private turn(now: number): void {
    const { core, observer } = this.parts;
    this.isWanted = false;
    const inputs = this.takeInputs();
    const output = core.turn(now, inputs);
    try {
      this.parts.dispatch(output, now);
    } catch (error) {
      this.reports.unshift(...output.events); // true all the same: the last turn tells them
      throw error;
    }
    const events = this.reports.length === 0 ? output.events : [...output.events, ...this.reports];
    if (this.reports.length > 0) this.reports = [];
    this.publish(events, now);
    observer?.({ now, inputs, output, events, status: () => core.status() });
  }

  /** What waits, in the order in which it came; most turns have no cut. */
  private takeInputs(): Input[] {
    const { queue, cuts } = this;
    const { gather } = this.parts;
    this.queue = [];
    let inputs = queue;
    if (cuts.length > 0) {
      this.cuts = [];
      inputs = [];
      let from = 0;
      for (const cut of cuts) {
        inputs.push(...queue.slice(from, cut));
        gather(inputs);
        from = cut;
      }
      inputs.push(...queue.slice(from));
    }
    gather(inputs);
    return inputs;
  }

  /** Metrics first, so that they are current inside every event handler. */
  publish(events: readonly RaftEventBody[], now: number): void {
    if (events.length === 0) return;
    const { metrics, publisher } = this.parts;
    metrics.apply(events, now, publisher.nextSeq);
    metrics.emitTurn();
    publisher.publish(events, now, publisher.isObserved ? this.wallTimeAt(now) : 0);
    const failure = publisher.takeFailure(this.parts.core.term);
    if (failure !== null) this.reports.push(failure);
  }

  /** Wall time counts whole milliseconds: one reading serves every turn of a millisecond. */
  private wallTimeAt(now: number): number {
    if (now - this.wallReadAt >= 1) {
      this.wallReadAt = now;
      this.wallTime = this.parts.clock.wallTime();
    }
    return this.wallTime;
  }

  /** One timer, moved only when it is too late: one that is early costs an empty turn, a re-armed one costs every turn. */
  private armTimer(): void {
    const wakeAt = this.parts.core.wakeAt;
    if (wakeAt >= this.timerAt || wakeAt === Infinity) return;
    this.cancelTimer();
    this.timerAt = wakeAt;
    this.cancelTimer = this.parts.clock.schedule(wakeAt - this.parts.clock.now(), () => this.onTimer());
  }

  private onTimer(): void {
    const now = this.parts.clock.now();
    const lateMs = now - this.timerAt;
    this.timerAt = Infinity;
    if (lateMs >= this.parts.stallThresholdMs) this.reports.push({ type: 'EventLoopStalled', term: this.parts.core.term, stalledMs: lateMs });
    if (this.isScheduled) return; // that turn does it, and has let the timers in before
    this.lastYieldAt = now;
    this.drain(now);
  }
}
