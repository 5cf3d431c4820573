import { LocalCluster } from '../cluster/local-cluster.js';
import { exitText, type Exit, type NodeProcess } from '../cluster/process.js';
import { leaderOf } from '../cluster/status.js';
import { messageOf } from '../exit.js';
import type { HttpClient } from '../http-client.js';
import type { ChildAnswer, ChildOrder } from './child.js';
import type { Guard } from './guard.js';
import type { ChaosMember, MemberPlan } from './members.js';
import type { Network } from './network.js';
import type { SessionAnswer, SessionWrite } from './session-host.js';

export interface ChaosClusterParts {
  readonly plan: MemberPlan;
  readonly nodes: number;
  /** The script that runs a node. */
  readonly script: string;
  readonly network: Network;
  readonly guard: Guard;
  readonly client: HttpClient;
  /** A node has ended that nobody had asked to. */
  readonly onDied: (sentence: string) => void;
}

/** The nodes' processes, each behind its proxy, and who they are at the moment. */
export class ChaosCluster {
  readonly #parts: ChaosClusterParts;
  readonly #processes: LocalCluster;
  #members: readonly ChaosMember[];
  /** Nodes whose process may end at any time. */
  readonly #doomed = new Set<string>();
  /** Who waits for which answer of a child. */
  readonly #answers = new Map<number, (answer: ChildAnswer) => void>();
  #requests = 0;

  constructor(parts: ChaosClusterParts) {
    this.#parts = parts;
    this.#members = parts.plan.founders(parts.nodes);
    this.#processes = new LocalCluster(this.#members, parts.script, (process, exit) => this.#ended(process, exit));
  }

  get members(): readonly ChaosMember[] {
    return this.#members;
  }

  /** Of every process that runs. */
  get pids(): readonly number[] {
    return this.#processes.running.flatMap(({ pid }) => pid ?? []);
  }

  get plan(): MemberPlan {
    return this.#parts.plan;
  }

  get guard(): Guard {
    return this.#parts.guard;
  }

  async start(): Promise<void> {
    for (const member of this.#members) await this.#connect(member);
    await Promise.all(this.#members.map((member) => this.run(member)));
  }

  /** Starts the member's process; resolves once it serves HTTP. From then on it must not end by itself. @throws {CliError} when it ends instead. */
  async run(member: ChaosMember): Promise<void> {
    this.#doomed.add(member.id);
    const ready = this.#processes.startMember(member);
    const process = this.#processes.processOf(member.id);
    if (process.pid !== null) this.#parts.guard.watch(process.pid);
    process.onMessage((message) => {
      const answer = message as ChildAnswer | { readonly type: 'ready' };
      if (answer.type !== 'ready') this.#answers.get(answer.request)?.(answer);
    });
    await ready;
    this.#doomed.delete(member.id);
  }

  /** From now on the member's process may end at any time. */
  doom(member: ChaosMember): void {
    this.#doomed.add(member.id);
  }

  /** Starts the member's process, which may end at any time. Resolves with what it said when it did not come to serve, or null. */
  async tryRun(member: ChaosMember): Promise<string | null> {
    try {
      await this.run(member);
      this.doom(member);
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** A node that is not a member yet, or instead of another. */
  async join(member: ChaosMember): Promise<void> {
    await this.#connect(member);
    await this.run(member);
    this.#members = [...this.#members, member];
  }

  /** It is no member any more, and does not run. */
  async forget(member: ChaosMember): Promise<void> {
    this.#members = this.#members.filter(({ id }) => id !== member.id);
    await this.#parts.network.remove(member.id);
    this.#parts.plan.release(member);
  }

  /** SIGKILL; resolves once the process is gone. */
  async kill(member: ChaosMember): Promise<void> {
    this.#doomed.add(member.id);
    const process = this.#processes.processOf(member.id);
    process.kill();
    await process.exited;
  }

  /** SIGTERM; resolves with a complaint when the process did not end in order. */
  async stop(member: ChaosMember, deadlineMs: number): Promise<string | null> {
    this.#doomed.add(member.id);
    const { wasKilled, ...exit } = await this.#processes.processOf(member.id).stop(deadlineMs);
    if (wasKilled) return `node ${member.id} did not stop within ${deadlineMs} ms of SIGTERM`;
    return exit.code === 0 ? null : `node ${member.id} ${exitText(exit)} after SIGTERM`;
  }

  signal(member: ChaosMember, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#processes.processOf(member.id).signal(signal);
  }

  /** Resolves when the process ends. */
  exited(member: ChaosMember): Promise<Exit> {
    return this.#processes.processOf(member.id).exited;
  }

  tell(member: ChaosMember, order: ChildOrder): void {
    this.#processes.processOf(member.id).send(order);
  }

  /** How the node's metrics differ from the fold of its events, in words; null when they don't. */
  async foldDifference(member: ChaosMember): Promise<string | null> {
    const answer = await this.#request(member, (request) => ({ type: 'fold', request }));
    return answer.type === 'folded' ? answer.difference : answer.type === 'ended' ? `it ${exitText(answer.exit)}` : 'it answered something else';
  }

  /** One write through the session of the member's process. */
  async writeBySession(member: ChaosMember, write: SessionWrite): Promise<SessionAnswer> {
    const answer = await this.#request(member, (request) => ({ type: 'write', request, write }));
    return answer.type === 'written' ? answer.answer : { answer: { type: 'unknown', why: 'session: its process ended' }, resent: 0 };
  }

  /** What the member's process answers; or how it ended, if it does first. */
  async #request(member: ChaosMember, orderOf: (request: number) => ChildOrder): Promise<ChildAnswer | { readonly type: 'ended'; readonly exit: Exit }> {
    const process = this.#processes.processOf(member.id);
    const request = (this.#requests += 1);
    const answered = new Promise<ChildAnswer>((resolve) => this.#answers.set(request, resolve));
    process.send(orderOf(request));
    const answer = await Promise.race([answered, process.exited.then((exit) => ({ type: 'ended' as const, exit }))]);
    this.#answers.delete(request);
    return answer;
  }

  /** Who leads with a quorum behind it; null when nobody says so. */
  async leader(): Promise<ChaosMember | null> {
    const found = await leaderOf(this.#parts.client, this.#members);
    return this.#members.find(({ id }) => id === found?.member.id) ?? null;
  }

  /** Kills every process, for good. */
  async close(): Promise<void> {
    for (const { id } of this.#members) this.#doomed.add(id);
    await this.#processes.kill();
  }

  #connect({ id, proxyPort, raftPort }: ChaosMember): Promise<void> {
    return this.#parts.network.add(id, proxyPort, raftPort);
  }

  #ended(process: NodeProcess, exit: Exit): void {
    if (process.pid !== null) this.#parts.guard.forget(process.pid);
    const { id, logFile } = process.member;
    if (!this.#doomed.has(id)) this.#parts.onDied(`node ${id} ${exitText(exit)}, unasked; its log is ${logFile}`);
  }
}
