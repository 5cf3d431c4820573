import type { LocalCluster } from '../cluster/local-cluster.js';
import type { Member } from '../cluster/plan.js';
import { exitText } from '../cluster/process.js';
import { leaderOf, metricsOf, poll, stateOf, untilReady, type StateReport } from '../cluster/status.js';
import { EventTail } from '../event-tail.js';
import type { HttpClient } from '../http-client.js';
import type { SseMessage } from '../sse-parser.js';
import type { Terminal } from '../terminal.js';
import { Changes } from './changes.js';
import { Acknowledgements, type Failover } from './failover.js';
import { GapTracker } from './gap-tracker.js';
import { SnapshotWatch } from './snapshot-watch.js';
import { httpTarget, type Target } from './target.js';
import { number, seconds, unlessAborted } from './text.js';
import { verifyAll } from './verifier.js';
import { writeAll, type WriteReport } from './writer.js';

export interface CheckParts {
  readonly keys: number;
  readonly cluster: LocalCluster;
  /** The node that replaces one of them. */
  readonly joiner: Member;
  readonly client: HttpClient;
  readonly terminal: Terminal;
  /** Aborted at the overall deadline, or by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly now: () => number;
}

const CLIENTS = 48;
/** Few, while the membership changes: what is written then is read back from every node too. */
const CLIENTS_DURING_CHANGES = 4;
const READERS_PER_NODE = 32;

/** The steps of `--check`, in order. Each prints what it saw; the first that does not hold throws. */
export class Check {
  readonly #parts: CheckParts;
  /** The members at the moment. */
  #members: readonly Member[];
  /** By node, members of the past included. */
  readonly #trackers = new Map<string, GapTracker>();
  readonly #snapshots = new SnapshotWatch();
  readonly #tails: EventTail[] = [];

  constructor(parts: CheckParts) {
    this.#parts = parts;
    this.#members = parts.cluster.members;
  }

  /** @throws {Error} with the reason, when something does not hold. */
  async run(): Promise<void> {
    await this.#start();
    const written = await this.#writeThroughFailover();
    const writtenDuring = await this.#changeWhileWriting();
    await this.#verify({ revisions: [...written.revisions, ...writtenDuring.revisions] });
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
    const seesEnds = async (): Promise<true | null> => ([...this.#trackers.values()].every(({ latest }) => latest?.lastType === 'NodeStopped') ? true : null);
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
    for (const member of cluster.members) this.#follow(member);
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

  /** Moves leadership and replaces a node, while a few clients go on writing through all nodes. */
  async #changeWhileWriting(): Promise<WriteReport> {
    const { cluster, client, keys, signal, now, joiner, terminal } = this.#parts;
    const targets: Target[] = this.#members.map((member) => httpTarget(client, member));
    const stop = new AbortController();
    let isDone = false;
    const writing = writeAll(targets, {
      first: keys,
      keys: Infinity,
      isEnough: () => isDone,
      clients: CLIENTS_DURING_CHANGES,
      signal: AbortSignal.any([signal, stop.signal]),
      now,
      onAcknowledged: (count) => {
        if (count % 100 === 0) terminal.progress(`changing members, ${number(count)} more writes`);
      },
    });
    const changing = this.#change(
      new Changes({
        cluster,
        client,
        signal,
        now,
        onJoined: (member) => {
          this.#follow(member);
          targets.push(httpTarget(client, member));
        },
        onRemoved: ({ id }) => targets.splice(targets.findIndex((target) => target.id === id), 1),
      }),
      joiner,
    ).finally(() => (isDone = true));
    try {
      const [written] = await Promise.all([writing, changing]);
      this.#say('meanwhile', `${number(written.revisions.length)} more writes acknowledged; ${written.retries.text}`);
      return written;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async #change(changes: Changes, joiner: Member): Promise<void> {
    const { from, to, ms, attempts } = await changes.transfer(this.#members);
    this.#say('transfer', `leadership moved from ${from} to ${to} in ${ms} ms${attempts === 1 ? '' : ` (attempt ${attempts})`}`);
    const done = await changes.replace(this.#members, joiner);
    this.#members = [...this.#members.filter(({ id }) => id !== done.removed.id), joiner];
    const installed = await poll(async () => this.#snapshots.installedOn(joiner.id), this.#parts.signal, `the event of ${joiner.id}'s snapshot`);
    this.#say('snapshots', `${this.#snapshots.saved} taken; sent ${this.#snapshots.sent.join(', ')}; ${joiner.id} began empty, was restored through ${number(installed)} (the log began after ${number(done.compactedThrough)})`);
    this.#say('members', `${joiner.id} added, a voter after ${Math.round(done.promotedMs)} ms; ${done.removed.id} removed in ${Math.round(done.removedMs)} ms and stopped; voters ${done.voters.join(' ')}`);
  }

  async #verify(written: Pick<WriteReport, 'revisions'>): Promise<void> {
    const { client, signal, now, terminal } = this.#parts;
    const startedAt = now();
    const total = written.revisions.length * this.#members.length;
    const targets = this.#members.map((member) => httpTarget(client, member));
    const onRead = (count: number): void => {
      if (count % 500 === 0) terminal.progress(`reading ${number(count)} of ${number(total)}`);
    };
    const { reads, retries, violations } = await verifyAll(targets, written, { clients: READERS_PER_NODE, signal, onRead });
    if (violations.length > 0) throw new Error(`${number(violations.length)} acknowledged writes were not read back:\n${violations.slice(0, 10).map((v) => `  ${v}`).join('\n')}`);
    const elapsedMs = now() - startedAt;
    this.#say('reads', `${number(reads)} linearizable in ${seconds(elapsedMs)} (${number(Math.round((reads / elapsedMs) * 1000))} a second), ${retries.text}; every acknowledged write is on each node`);
  }

  async #compareStates(): Promise<void> {
    const { client, signal } = this.#parts;
    const members = this.#members;
    const settled = async (): Promise<readonly StateReport[] | null> => {
      const states = await Promise.all(members.map((member) => stateOf(client, member).catch(() => null)));
      const known = states.filter((state) => state !== null);
      return known.length === states.length && known.every(({ index }) => index === known[0]?.index) ? known : null;
    };
    const states = await poll(settled, signal, 'all nodes to have applied the same log');
    const [first] = states;
    if (!states.every(({ sha256 }) => sha256 === first?.sha256)) throw new Error(`the nodes' states differ: ${states.map((state, i) => `${members[i]?.id ?? '?'} ${state.sha256}`).join(', ')}`);
    this.#say('states', `equal on all nodes: ${number(first?.keys ?? 0)} keys, index ${number(first?.index ?? 0)}, sha256 ${first?.sha256.slice(0, 16) ?? ''}…`);
  }

  /** Waits until each stream has brought what its node has published so far. */
  async #drainEvents(): Promise<void> {
    const { client, signal } = this.#parts;
    for (const member of this.#members) {
      const { seq, runId } = await metricsOf(client, member);
      const isThere = async (): Promise<true | null> => {
        const latest = this.#trackers.get(member.id)?.latest;
        return latest?.runId === runId && latest.last >= seq ? true : null;
      };
      await poll(isThere, signal, `event ${seq} of node ${member.id} to arrive (${this.#trackers.get(member.id)?.latest?.last ?? 0} did)`);
    }
  }

  #reportEvents(): void {
    const trackers = [...this.#trackers.values()];
    const problems = trackers.flatMap((tracker) => tracker.problems);
    const received = trackers.reduce((sum, tracker) => sum + tracker.received, 0);
    const runs = trackers.flatMap((tracker) => tracker.runs);
    this.#say('events', `${number(received)} received in ${runs.length} runs of ${trackers.length} nodes; gaps: ${problems.length}`);
    if (problems.length > 0) throw new Error(`the event streams have gaps:\n${problems.slice(0, 10).map((p) => `  ${p}`).join('\n')}`);
  }

  #follow(member: Member): void {
    const tracker = new GapTracker(member.id);
    this.#trackers.set(member.id, tracker);
    const onMessage = (message: SseMessage): void => {
      tracker.accept(message.id, message.event);
      this.#snapshots.accept(message);
    };
    this.#tails.push(new EventTail(`${member.url}/events?since=start`, { onMessage }));
  }

  #say(what: string, text: string): void {
    const { terminal } = this.#parts;
    terminal.progress('');
    terminal.line(`  ${terminal.style('bold', what.padEnd(9))}  ${text}`);
  }
}
