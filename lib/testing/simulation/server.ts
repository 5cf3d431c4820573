import type { RaftEvent } from '../../core/events.js';
import { ORIGIN, type NodeId } from '../../core/ids.js';
import { createNode } from '../../node/create-node.js';
import type { NewNode } from '../../core/membership-plan.js';
import type { RaftNode } from '../../node/raft-node.js';
import { MemoryDisk, MemoryStorage } from '../../storage/memory.js';
import { Dice } from './dice.js';
import type { MachineHost } from './application.js';
import { ProcessClock, ProcessStorage, ProcessTransport } from './process-ports.js';
import { Process } from './process.js';
import type { OpenCall, Surroundings } from './surroundings.js';

/** What a disk fails with: an fsync that failed, no space, data that is not what was written. */
export type DiskError = 'EIO' | 'ENOSPC' | 'checksum';

export type SimulatedNode = RaftNode<unknown, unknown, unknown, unknown>;

/** One run of a server's program. */
export interface ServerRun {
  readonly runId: string;
  readonly node: SimulatedNode;
  readonly process: Process;
  readonly clock: ProcessClock;
  /** Calls that have no answer yet. */
  readonly calls: Set<OpenCall>;
  /** The same of operators. */
  readonly operations: Set<object>;
  state: 'starting' | 'running' | 'stopping' | 'failed';
}

/** What a reporter throws that is to throw. */
class ReporterFault extends Error {
  override readonly name = 'ReporterFault';
}

/** A server: a disk that lasts, and the runs of a node on it. */
export class SimulatedServer {
  readonly disk: MemoryDisk;
  /** Null while the server is down. */
  run: ServerRun | null = null;
  /** How much slower the disk is than it should be. */
  diskSlowness = 1;
  /** Errors that were injected and will stop the node; without one no node may fail. */
  readonly expectedErrors = new Set<DiskError>();
  /** What was acknowledged can't be read back: it refuses to start, and is to be replaced. */
  isRotten = false;
  /** Whoever is told of its events throws. */
  isReporterThrowing = false;
  readonly #dice: Dice;
  /** When its clock leapt last. */
  #jumpedAt = -Infinity;
  #hasRefused = false;
  #runs = 0;
  #isRetired = false;

  /** @param founders the first configuration, for those who were there from the start; the others wait to be added. */
  constructor(
    readonly id: NodeId,
    private readonly cluster: Surroundings,
    private readonly founders: Readonly<Record<NodeId, NewNode>> | null,
  ) {
    const { clock, seed } = cluster;
    this.#dice = new Dice(seed, `server ${id}`);
    this.disk = new MemoryDisk({ clock, syncLatencyMs: () => this.#dice.between(this.cluster.syncLatencyMs) * this.diskSlowness });
  }

  /** The node that may be called now, or null. */
  get callable(): ServerRun | null {
    return this.run?.state === 'running' && !this.run.process.isPaused ? this.run : null;
  }

  /** Whether it holds itself to be the leader. */
  get isLeading(): boolean {
    return this.run !== null && this.run.node.metrics.value.role === 'leader';
  }

  /** Whether nothing keeps it from doing its part but, perhaps, the network. */
  get isWell(): boolean {
    return this.run?.state === 'running' && !this.run.process.isPaused && this.expectedErrors.size === 0;
  }

  /** Gone for good: it stops, and its disk is wiped. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Starts the program on what the disk holds. */
  boot(): void {
    if (this.#isRetired || this.#hasRefused) return;
    if (this.isRotten) {
      this.expectedErrors.add('checksum');
      this.#hasRefused = true; // once is enough to see that it does
    }
    const { cluster, id, disk, founders } = this;
    const process = new Process();
    const clock = new ProcessClock(cluster.clock, process, this.#dice.between([0, 1e6]), this.#dice.pick(cluster.clockRates));
    const runId = `${id}-${(this.#runs += 1)}`;
    const { applyLatencyMs, snapshot, node: limits } = cluster.plan;
    const pause = (): Promise<void> => new Promise((resolve) => void clock.schedule(this.#dice.between(snapshot.chunkDelayMs), resolve));
    const delay = applyLatencyMs === null ? {} : { delay: (callback: () => void) => void clock.schedule(this.#dice.between(applyLatencyMs), callback) };
    disk.limitBytes(null);
    this.expectedErrors.delete('ENOSPC');
    const host: MachineHost = {
      ...delay,
      server: id,
      onApply: (batch) => cluster.guard(() => cluster.invariants.stateMachineSafety(id, batch)),
      onRestore: (check) => {
        if (process.isAlive) cluster.observeRestore(id, disk.image.snapshot?.meta.last ?? ORIGIN, check);
      },
      snapshotShape: () => ({ paddingBytes: Math.floor(this.#dice.between(snapshot.paddingBytes)), chunkBytes: snapshot.chunkBytes, pause }),
    };
    const node: SimulatedNode = createNode({
      ...limits,
      id,
      runId,
      clock,
      seed: this.#dice.seedFor(runId),
      ...(founders === null ? {} : { peers: founders }),
      storage: new ProcessStorage(new MemoryStorage(disk), process, () => this.#losePoisonedWrites(), { chunkBytes: snapshot.chunkBytes, pause }),
      transport: new ProcessTransport(cluster.network.transport(), process, (_to, message) => cluster.count('messages', message.type)),
      ...cluster.application.partsFor(host),
      reporter: { report: (event) => this.#report(event) },
      onUnhandledError: (error) => {
        if (!(error instanceof ReporterFault)) cluster.fail(error);
      },
      turnObserver: (turn) => cluster.observeTurn(id, runId, turn),
    });
    const run: ServerRun = { runId, node, process, clock, calls: new Set(), operations: new Set(), state: 'starting' };
    this.run = run;
    cluster.note(`${runId} starts`);
    cluster.invariants.beginRun(id, { runId, metrics: () => node.metrics.value });
    node.metrics.subscribe({ next: (metrics) => cluster.guard(() => cluster.invariants.observeMetrics(id, metrics)), error: () => undefined }); // `events` fails too, and tells
    node.events.subscribe({
      next: (event) => {
        cluster.count('events', event.type);
        if (event.type === 'FatalErrorRaised') this.#expectFault(event.operation, event.error);
        cluster.guard(() => cluster.invariants.observeEvent(id, event));
      },
      error: () => this.#failed(run),
    });
    node.start().then(
      () => {
        if (this.isRotten) cluster.fail(new Error(`${runId} starts although its disk is corrupt`));
        if (run.state === 'starting') run.state = 'running';
      },
      () => undefined, // `events` has failed too, and tells
    );
  }

  /** The power goes: what was not synced is lost, but for what happened to reach the platter. */
  crash(reason: string): void {
    const { run } = this;
    this.cluster.betweenTurns(() => {
      if (run !== null && run === this.run) this.#die(run, reason);
    });
  }

  #die(run: ServerRun, reason: string): void {
    const { cluster, id } = this;
    const survivingWrites = this.#dice.whole(0, this.disk.unsyncedWrites);
    cluster.note(`${run.runId} ${reason}; of ${this.disk.unsyncedWrites} unsynced writes ${survivingWrites} survive`);
    run.process.kill();
    this.run = null;
    if (this.disk.poison !== null) this.expectedErrors.delete('EIO');
    this.disk.crash({ survivingWrites });
    cluster.network.detach(id);
    for (const call of run.calls) cluster.forget(call);
    run.operations.clear();
    cluster.guard(() => {
      cluster.invariants.endRun(id);
      cluster.invariants.committedEntriesSurvive();
    });
    cluster.serverWentDown(id);
  }

  /** Stops it for good. The cluster wipes it once it is down. */
  retire(): void {
    this.#isRetired = true;
    this.cluster.note(`${this.id} is retired`);
    if (this.run === null) this.cluster.serverWentDown(this.id);
    else if (this.run.process.isPaused) this.crash('is switched off');
    else this.stop();
  }

  /** Asks the node to stop, as an operator would. */
  stop(): void {
    const { run, cluster, id } = this;
    if (run === null || run.state === 'failed' || run.state === 'stopping' || run.process.isPaused) return;
    run.state = 'stopping';
    cluster.note(`${run.runId} is asked to stop`);
    run.node.stop().then(
      () => {
        if (!run.process.isAlive || run.state === 'failed') return;
        cluster.note(`${run.runId} has stopped`);
        run.process.kill();
        this.run = null;
        cluster.guard(() => cluster.invariants.endRun(id));
        cluster.betweenTurns(() => {
          const open = [...run.calls].map(({ name }) => name).concat(run.operations.size === 0 ? [] : `${run.operations.size} of operators`);
          if (open.length > 0) cluster.fail(new Error(`${run.runId} stopped and left calls without an answer: ${open.join(', ')}`));
        });
        cluster.serverWentDown(id);
      },
      (error: unknown) => cluster.fail(error),
    );
  }

  pause(): void {
    const { run, cluster, id } = this;
    cluster.betweenTurns(() => {
      if (run === null || run !== this.run || run.process.isPaused) return;
      run.process.pause();
      cluster.invariants.suspend(id);
      cluster.note(`${run.runId} is paused`);
    });
  }

  /** Its clock runs faster or slower from now on. */
  drift(rate: number): void {
    if (this.run === null) return;
    this.run.clock.drift(rate);
    this.cluster.note(`the clock of ${this.run.runId} runs at ${rate.toFixed(2)}`);
  }

  /** Its clock leaps ahead: once within any lease. */
  jump(ms: number): void {
    const { run, cluster } = this;
    const pauseMs = 2 * (cluster.plan.node.electionTimeoutMaxMs ?? 1000);
    if (run === null || cluster.clock.now() - this.#jumpedAt < pauseMs) return;
    this.#jumpedAt = cluster.clock.now();
    run.clock.jump(ms);
    cluster.note(`the clock of ${run.runId} leaps ahead by ${ms.toFixed(2)} ms`);
  }

  /** Goes on: everything that waited is there at once, timers and messages in the order in which they came. */
  resume(): void {
    const { run, cluster } = this;
    if (run?.process.isPaused !== true) return;
    cluster.note(`${run.runId} goes on`);
    for (const callback of run.process.resume()) cluster.clock.yield(() => run.process.run(callback));
  }

  #report({ type }: RaftEvent): void {
    if (this.isReporterThrowing) throw new ReporterFault(`on purpose, at ${type}`);
  }

  /** The node's own fatal fault: its process exits a moment later. */
  #failed(run: ServerRun): void {
    if (run.state === 'failed') return;
    run.state = 'failed';
    this.cluster.clock.schedule(1, () => {
      if (this.run === run) this.crash('exits');
    });
  }

  #expectFault(operation: string, error: string): void {
    const injected = [...this.expectedErrors].find((each) => error.includes(each));
    if (injected === undefined) this.cluster.fail(new Error(`${this.id} failed without an injected fault: ${operation}: ${error}`));
    else this.expectedErrors.delete(injected);
  }

  /** After a failed sync nobody knows how much of it reached the platter. */
  #losePoisonedWrites(): void {
    if (this.disk.poison !== null) this.disk.crash({ survivingWrites: this.#dice.whole(0, this.disk.unsyncedWrites) });
  }
}
