import type { LocalCluster } from '../cluster/local-cluster.js';
import type { Member } from '../cluster/plan.js';
import { exitText } from '../cluster/process.js';
import { leaderOf, metricsOf, poll, stateOf, untilReady, type StateReport } from '../cluster/status.js';
import { EventTail } from '../event-tail.js';
import type { HttpClient } from '../http-client.js';
import type { Terminal } from '../terminal.js';
import { Acknowledgements, type Failover } from './failover.js';
import { GapTracker } from './gap-tracker.js';
import { httpTarget } from './target.js';
import { verifyAll } from './verifier.js';
import { writeAll, type WriteReport } from './writer.js';

export interface CheckParts {
  readonly keys: number;
  readonly cluster: LocalCluster;
  readonly client: HttpClient;
  readonly terminal: Terminal;
  /** Aborted at the overall deadline, or by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly now: () => number;
}

const CLIENTS = 48;
const READERS_PER_NODE = 32;

/** The steps of `--check`, in order. Each prints what it saw; the first that does not hold throws. */
export class Check {
  readonly #parts: CheckParts;
  readonly #trackers: readonly GapTracker[];
  #tails: readonly EventTail[] = [];

  constructor(parts: CheckParts) {
    this.#parts = parts;
    this.#trackers = parts.cluster.members.map(({ id }) => new GapTracker(id));
  }

  /** @throws {Error} with the reason, when something does not hold. */
  async run(): Promise<void> {
    await this.#start();
    const written = await this.#writeThroughFailover();
    await this.#verify(written);
    await this.#compareStates();
    await this.#drainEvents();
  }

  /** Stops every process with SIGTERM and checks that each ended in order and said so last. */
  async stopInOrder(deadlineMs: number): Promise<void> {
    const { cluster, signal } = this.#parts;
    const exits = await cluster.stop(deadlineMs);
    for (const { id, wasKilled, ...exit } of exits) {
      if (wasKilled) throw new Error(`node ${id} did not stop within ${deadlineMs} ms of SIGTERM`);
      if (exit.code !== 0) throw new Error(`node ${id} ${exitText(exit)} at the end`);
    }
    const seesEnds = async (): Promise<true | null> => (this.#trackers.every(({ latest }) => latest?.lastType === 'NodeStopped') ? true : null);
    await poll(seesEnds, AbortSignal.any([signal, AbortSignal.timeout(5000)]), 'each event stream to end with NodeStopped');
    this.#reportEvents();
  }

  close(): void {
    for (const tail of this.#tails) tail.close();
  }

  async #start(): Promise<void> {
    const { cluster, client, signal, now } = this.#parts;
    const startedAt = now();
    await cluster.start();
    this.#tails = cluster.members.map((member, i) => this.#follow(member, this.#trackers[i] ?? new GapTracker(member.id)));
    await Promise.all(cluster.members.map((member) => untilReady(client, member, signal)));
    const leader = await poll(() => leaderOf(client, cluster.members), signal, 'a leader');
    this.#say('processes', cluster.members.map(({ id, url }) => `${id} ${url}`).join('  ') + `  pids ${cluster.running.map(({ pid }) => pid).join(', ')}`);
    this.#say('leader', `${leader.member.id} leads term ${leader.term}; all nodes ready ${seconds(now() - startedAt)} after the start`);
  }

  /** Two things at once: clients write all the while, and half-way the leader is killed and started again. */
  async #writeThroughFailover(): Promise<WriteReport> {
    const { cluster, client, keys, signal, now, terminal } = this.#parts;
    const targets = cluster.members.map((member) => httpTarget(client, member));
    const acknowledgements = new Acknowledgements(now);
    const stop = new AbortController();
    const startedAt = now();
    const writing = writeAll(targets, {
      keys,
      clients: CLIENTS,
      signal: AbortSignal.any([signal, stop.signal]),
      now,
      onAcknowledged: (count, sentAtMs) => {
        if (count % 100 === 0) terminal.progress(`writing ${number(count)} of ${number(keys)}`);
        acknowledgements.note(count, sentAtMs);
      },
    });
    const failover = this.#failOver(acknowledgements);
    try {
      const [written, { killed, killedTerm, writesBefore, failoverMs }] = await Promise.all([writing, failover]);
      const elapsedMs = now() - startedAt;
      this.#say('writes', `${number(keys)} acknowledged in ${seconds(elapsedMs)} (${number(Math.round((keys / elapsedMs) * 1000))} a second) through all nodes; ${written.retries.text}`);
      this.#say('kills', `1: ${killed.id}, leader of term ${killedTerm}, with SIGKILL after ${number(writesBefore)} writes`);
      this.#say('failover', `${Math.round(failoverMs)} ms from the kill to the next acknowledged write`);
      const leader = await poll(() => leaderOf(client, cluster.members), signal, 'a leader');
      await untilReady(client, killed, signal);
      this.#say('restart', `${killed.id} is back and ready; ${leader.member.id} leads term ${leader.term}`);
      return written;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async #failOver(acknowledgements: Acknowledgements): Promise<Failover> {
    const { cluster, client, keys, signal, now } = this.#parts;
    await unlessAborted(acknowledgements.reached(Math.floor(keys / 2)), signal);
    const { member, term } = await poll(() => leaderOf(client, cluster.members), signal, 'a leader to kill');
    const writesBefore = acknowledgements.count;
    const process = cluster.processOf(member.id);
    const killedAt = now();
    process.kill();
    const acknowledgedAt = await unlessAborted(acknowledgements.sentAfter(killedAt), signal);
    await process.exited;
    await cluster.startMember(member);
    return { killed: member, killedTerm: term, writesBefore, failoverMs: acknowledgedAt - killedAt };
  }

  async #verify(written: WriteReport): Promise<void> {
    const { cluster, client, signal, now, terminal } = this.#parts;
    const startedAt = now();
    const total = written.revisions.length * cluster.members.length;
    const targets = cluster.members.map((member) => httpTarget(client, member));
    const onRead = (count: number): void => {
      if (count % 500 === 0) terminal.progress(`reading ${number(count)} of ${number(total)}`);
    };
    const { reads, retries, violations } = await verifyAll(targets, written, { clients: READERS_PER_NODE, signal, onRead });
    if (violations.length > 0) throw new Error(`${number(violations.length)} acknowledged writes were not read back:\n${violations.slice(0, 10).map((v) => `  ${v}`).join('\n')}`);
    const elapsedMs = now() - startedAt;
    this.#say('reads', `${number(reads)} linearizable in ${seconds(elapsedMs)} (${number(Math.round((reads / elapsedMs) * 1000))} a second), ${retries.text}; every acknowledged write is on each node`);
  }

  async #compareStates(): Promise<void> {
    const { cluster, client, signal } = this.#parts;
    const settled = async (): Promise<readonly StateReport[] | null> => {
      const states = await Promise.all(cluster.members.map((member) => stateOf(client, member).catch(() => null)));
      const known = states.filter((state) => state !== null);
      return known.length === states.length && known.every(({ index }) => index === known[0]?.index) ? known : null;
    };
    const states = await poll(settled, signal, 'all nodes to have applied the same log');
    const [first] = states;
    if (!states.every(({ sha256 }) => sha256 === first?.sha256)) throw new Error(`the nodes' states differ: ${states.map((state, i) => `${cluster.members[i]?.id ?? '?'} ${state.sha256}`).join(', ')}`);
    this.#say('states', `equal on all nodes: ${number(first?.keys ?? 0)} keys, index ${number(first?.index ?? 0)}, sha256 ${first?.sha256.slice(0, 16) ?? ''}…`);
  }

  /** Waits until each stream has brought what its node has published so far. */
  async #drainEvents(): Promise<void> {
    const { cluster, client, signal } = this.#parts;
    for (const [i, member] of cluster.members.entries()) {
      const { seq, runId } = await metricsOf(client, member);
      const isThere = async (): Promise<true | null> => {
        const latest = this.#trackers[i]?.latest;
        return latest?.runId === runId && latest.last >= seq ? true : null;
      };
      await poll(isThere, signal, `event ${seq} of node ${member.id} to arrive (${this.#trackers[i]?.latest?.last ?? 0} did)`);
    }
  }

  #reportEvents(): void {
    const problems = this.#trackers.flatMap((tracker) => tracker.problems);
    const received = this.#trackers.reduce((sum, tracker) => sum + tracker.received, 0);
    const runs = this.#trackers.flatMap((tracker) => tracker.runs);
    this.#say('events', `${number(received)} received in ${runs.length} runs of ${this.#trackers.length} nodes; gaps: ${problems.length}`);
    if (problems.length > 0) throw new Error(`the event streams have gaps:\n${problems.slice(0, 10).map((p) => `  ${p}`).join('\n')}`);
  }

  #follow(member: Member, tracker: GapTracker): EventTail {
    return new EventTail(`${member.url}/events?since=start`, { onMessage: ({ id, event }) => tracker.accept(id, event) });
  }

  #say(what: string, text: string): void {
    const { terminal } = this.#parts;
    terminal.progress('');
    terminal.line(`  ${terminal.style('bold', what.padEnd(9))}  ${text}`);
  }
}

/** The promise, or a rejection once the signal is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
