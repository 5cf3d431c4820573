import { History } from '../../testing/linearizability/history.js';
import type { KeyValueOperation, KeyValueResult } from '../../testing/linearizability/key-value-model.js';
import { Dice } from '../../testing/simulation/dice.js';
import { Acknowledgements } from '../check/failover.js';
import { number, seconds } from '../check/text.js';
import { ClusterClient } from '../client/cluster-client.js';
import { metricsOf, poll, untilReady } from '../cluster/status.js';
import { messageOf } from '../exit.js';
import { HttpClient } from '../http-client.js';
import { pause } from '../interrupt.js';
import { Progress } from '../progress.js';
import type { Terminal } from '../terminal.js';
import { ChaosCluster } from './chaos-cluster.js';
import { Clients } from './clients.js';
import { EventWatch } from './event-watch.js';
import { Failovers } from './failovers.js';
import type { FaultContext } from './fault-context.js';
import type { FaultKind } from './fault-kinds.js';
import { FAULTS } from './faults.js';
import { converge, foldProblems, judgeHistory, readBack } from './final-checks.js';
import type { Guard } from './guard.js';
import type { MemberPlan } from './members.js';
import { Network } from './network.js';
import type { ChaosFlags } from './options.js';
import type { ChaosReport } from './report.js';
import { schedule, type PlannedFault, type Step } from './schedule.js';

export interface ChaosParts {
  readonly flags: ChaosFlags;
  readonly plan: MemberPlan;
  /** The script that runs a node. */
  readonly script: string;
  readonly guard: Guard;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C: the run then ends early, with all its checks. */
  readonly interrupt: AbortSignal;
}

/** Clients give up on a node soon, and ask another one. */
const REQUEST_TIMEOUT_MS = 1500;
const ADMIN_TIMEOUT_MS = 15_000;
const SOCKETS_PER_NODE = 64;
/** Bounds on a slow machine, not measures: what takes longer has failed. */
const SERVES_WITHIN_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const CALM_MS = { timed: [500, 5000], rounds: [0, 300] } as const;
/** How long faults last where it is their number that counts, as a part of what they last else. */
const PACE_OF_ROUNDS = 0.4;
const POLL_MS = 50;
const PROGRESS_MS = 500;

/** One run: a cluster of processes, clients, faults one step after the other, and the checks at the end. */
export class Chaos {
  readonly #parts: ChaosParts;
  readonly #network: Network;
  readonly #http = new HttpClient(SOCKETS_PER_NODE, REQUEST_TIMEOUT_MS);
  readonly #admin = new HttpClient(SOCKETS_PER_NODE, ADMIN_TIMEOUT_MS);
  readonly #events = new EventWatch();
  readonly #history = new History<KeyValueOperation, KeyValueResult>();
  readonly #acknowledgements: Acknowledgements;
  readonly #failovers: Failovers;
  readonly #cluster: ChaosCluster;
  readonly #clients: Clients;
  readonly #problems: string[] = [];
  readonly #verified: string[] = [];
  readonly #done: Partial<Record<FaultKind, number>> = {};
  readonly #skipped: Partial<Record<FaultKind, number>> = {};
  readonly #means: Partial<Record<FaultKind, string>> = {};
  readonly #progress: Progress;
  readonly #startedAt = performance.now();
  #loadMs = 0;
  #steps = 0;
  #isInterrupted = false;

  constructor(parts: ChaosParts) {
    const { flags, plan, script, guard } = parts;
    const now = (): number => performance.now();
    const jitter = new Dice(flags.seed, 'jitter');
    this.#parts = parts;
    this.#progress = new Progress(parts.terminal);
    this.#network = new Network(() => jitter.between([0, 1]));
    this.#acknowledgements = new Acknowledgements(now);
    this.#failovers = new Failovers(this.#acknowledgements, now);
    this.#cluster = new ChaosCluster({ plan, nodes: flags.nodes, script, network: this.#network, guard, client: this.#admin, onDied: (sentence) => this.#problem(sentence) });
    this.#clients = new Clients({
      http: this.#http,
      seed: flags.seed,
      clients: flags.clients,
      ratePerSecond: flags.rate,
      members: () => this.#cluster.members,
      history: this.#history,
      acknowledgements: this.#acknowledgements,
      now,
      sendBySession: (member, write) => this.#cluster.writeBySession(member, write),
    });
  }

  /** Never rejects: what goes wrong is a problem in the report. */
  async run(): Promise<ChaosReport> {
    const progress = setInterval(() => this.#showProgress(), PROGRESS_MS);
    try {
      await this.#start();
      await this.#injectFaults();
      await this.#judge();
    } catch (error) {
      this.#problem(messageOf(error));
    } finally {
      clearInterval(progress);
      this.#progress.end();
      await this.#close();
    }
    return this.#report();
  }

  get histogramLines(): readonly string[] {
    return this.#failovers.histogram.lines;
  }

  async #start(): Promise<void> {
    const signal = AbortSignal.timeout(SERVES_WITHIN_MS);
    await this.#cluster.start();
    for (const member of this.#cluster.members) this.#events.follow(member);
    await Promise.all(this.#cluster.members.map((member) => untilReady(this.#admin, member, signal)));
    const leader = await poll(() => this.#cluster.leader(), signal, 'a leader');
    this.#parts.terminal.line(`  ${this.#cluster.members.map(({ id }) => id).join(', ')} serve, pids ${this.#cluster.pids.join(', ')}; ${leader.id} leads`);
    this.#clients.start();
  }

  async #injectFaults(): Promise<void> {
    const { flags, interrupt } = this.#parts;
    const time = flags.minutes === null ? new AbortController().signal : AbortSignal.timeout(flags.minutes * 60_000);
    const ending = AbortSignal.any([time, interrupt]);
    const isByRounds = flags.rounds !== null;
    const steps = schedule({ seed: flags.seed, kinds: flags.faults, calmMs: isByRounds ? CALM_MS.rounds : CALM_MS.timed, ...(isByRounds ? { overlap: 0 } : {}) });
    const last = isByRounds ? flags.rounds * flags.faults.length : Infinity;
    const startedAt = performance.now();
    while (!ending.aborted && this.#steps < last) {
      const step = steps.next().value;
      await pause(step.calmMs, ending);
      if (ending.aborted) break;
      await this.#take(step, ending);
      this.#steps = step.number;
    }
    this.#isInterrupted = interrupt.aborted;
    await this.#clients.stop();
    this.#loadMs = performance.now() - startedAt;
  }

  async #take(step: Step, ending: AbortSignal): Promise<void> {
    await Promise.all(step.faults.map((fault) => this.#inject(step, fault, ending)));
    this.#network.heal();
    const healedAt = performance.now();
    const served = this.#acknowledgements.sentAfter(healedAt);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), SERVES_WITHIN_MS);
    const servedAt = await Promise.race([served, new Promise<null>((resolve) => late.signal.addEventListener('abort', () => resolve(null)))]);
    clearTimeout(timer);
    if (servedAt === null) throw new Error(`no write was acknowledged within ${SERVES_WITHIN_MS / 1000} s of the end of step ${step.number}`);
    for (const problem of await foldProblems(this.#cluster)) this.#problem(problem);
    this.#parts.terminal.line(`        mended; the next write was acknowledged ${seconds(servedAt - healedAt)} later`);
  }

  async #inject(step: Step, { kind, seed }: PlannedFault, ending: AbortSignal): Promise<void> {
    const report = await FAULTS[kind](this.#context(kind, new Dice(seed, kind), ending));
    const counts = report.isDone ? this.#done : this.#skipped;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (report.means !== undefined) this.#means[kind] = report.means;
    this.#parts.terminal.line(`  ${String(step.number).padStart(4)}  ${kind}: ${report.text}`);
  }

  #context(kind: FaultKind, dice: Dice, ending: AbortSignal): FaultContext {
    const { members } = this.#cluster;
    const endpoints = members.map(({ url }) => url.replace('http://', ''));
    return {
      cluster: this.#cluster,
      network: this.#network,
      events: this.#events,
      admin: new ClusterClient({ http: this.#admin, endpoints, timeoutMs: ADMIN_TIMEOUT_MS, now: () => performance.now() }),
      dice,
      signal: ending,
      hold: (rangeMs) => pause(dice.between(rangeMs) * (this.#parts.flags.rounds === null ? 1 : PACE_OF_ROUNDS), ending),
      until: async (isSo, withinMs) => {
        for (const giveUpAt = performance.now() + withinMs; !isSo() && !ending.aborted && performance.now() < giveUpAt; ) await pause(POLL_MS, ending);
        return isSo();
      },
      leaderHit: () => this.#failovers.hit(kind),
      problem: (sentence) => this.#problem(sentence),
    };
  }

  async #judge(): Promise<void> {
    const { members } = this.#cluster;
    const { ledger, registers } = this.#clients;
    const { keys } = await converge(this.#admin, members, SERVES_WITHIN_MS);
    this.#verified.push(`the same ${number(keys)} keys on all nodes`);
    for (const problem of ledger.doubles) this.#problem(problem);
    for (const member of members) for (const problem of await readBack(this.#admin, member, ledger, registers, this.#history)) this.#problem(problem);
    this.#verified.push(`each of ${number(ledger.count('acknowledged'))} acknowledged entries is on each node, none of ${number(ledger.count('refused'))} refused ones`);
    const folds = await foldProblems(this.#cluster);
    for (const problem of folds) this.#problem(problem);
    if (folds.length === 0) this.#verified.push('the metrics of each node are the fold of its events');
    await this.#followAll();
    await this.#stopInOrder();
    const { calls } = this.#history;
    this.#parts.terminal.progress(`looking for an order of ${number(calls.length)} calls`);
    const complaint = judgeHistory(this.#history);
    if (complaint !== null) this.#problem(complaint);
    else this.#verified.push(`${number(calls.length)} calls on ${number(registers.keys.length)} keys are linearizable`);
  }

  /** A node that was started a moment ago has been heard of: a stream comes back only some time after it was lost. */
  async #followAll(): Promise<void> {
    const signal = AbortSignal.timeout(SERVES_WITHIN_MS);
    for (const member of this.#cluster.members) {
      const isFollowed = async (): Promise<true | null> => ((await metricsOf(this.#admin, member)).runId === this.#events.latest(member.id)?.runId ? true : null);
      await poll(isFollowed, signal, `the first event of the newest run of node ${member.id}`);
    }
  }

  async #stopInOrder(): Promise<void> {
    const { members } = this.#cluster;
    const complaints = await Promise.all(members.map((member) => this.#cluster.stop(member, STOP_TIMEOUT_MS)));
    for (const complaint of complaints) if (complaint !== null) this.#problem(complaint);
    for (const member of members) {
      const hasEnded = async (): Promise<true | null> => (this.#events.latest(member.id)?.lastType === 'NodeStopped' ? true : null);
      await poll(hasEnded, AbortSignal.timeout(STOP_TIMEOUT_MS), `the events of node ${member.id} to end with NodeStopped`).catch((error: unknown) => {
        this.#problem(`${messageOf(error)}; the last was ${JSON.stringify(this.#events.latest(member.id))}`);
      });
    }
    for (const problem of this.#events.problems) this.#problem(problem);
  }

  async #close(): Promise<void> {
    await this.#clients.stop();
    this.#events.close();
    await this.#cluster.close();
    await this.#network.close();
    this.#http.close();
    this.#admin.close();
  }

  #problem(sentence: string): void {
    this.#problems.push(sentence);
    const { terminal } = this.#parts;
    terminal.line(`  ${terminal.style('bad', 'problem')}  ${sentence}`);
  }

  #showProgress(): void {
    const { flags } = this.#parts;
    const elapsed = (performance.now() - this.#startedAt) / 1000;
    const whole = flags.minutes === null ? (flags.rounds ?? 0) * flags.faults.length : flags.minutes * 60;
    const share = Math.min(1, (flags.minutes === null ? this.#steps : elapsed) / whole);
    const { load } = this.#clients;
    this.#progress.show(share, `${elapsed.toFixed(0)} s, ${this.#steps} steps, ${number(load.count('answered'))} calls answered, ${this.#problems.length} problems`);
  }

  #report(): ChaosReport {
    const { flags } = this.#parts;
    const { load } = this.#clients;
    const { histogram } = this.#failovers;
    const answered = load.count('answered');
    const events = this.#events;
    return {
      seed: flags.seed,
      nodes: flags.nodes,
      seconds: (performance.now() - this.#startedAt) / 1000,
      isInterrupted: this.#isInterrupted,
      steps: this.#steps,
      load: { callsPerSecond: this.#loadMs === 0 ? 0 : (answered * 1000) / this.#loadMs, answered, refused: load.count('refused'), unknown: load.count('unknown'), byOperation: load.counts, reasons: load.reasons, resent: load.resent },
      kinds: flags.faults,
      faults: this.#done,
      skipped: this.#skipped,
      means: this.#means,
      failovers: histogram.summary,
      failoversByKind: this.#failovers.byKind,
      failoverBuckets: histogram.buckets,
      events: { received: events.received, runs: events.runs, gaps: events.gaps.length, terms: events.terms, messagesRejected: events.count('MessageRejected'), snapshotsInstalled: events.count('SnapshotInstalled') },
      verified: this.#verified,
      problems: this.#problems,
    };
  }
}
