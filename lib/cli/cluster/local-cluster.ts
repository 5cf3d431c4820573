import type { Member } from './plan.js';
import { NodeProcess, type Exit } from './process.js';

export interface MemberExit extends Exit {
  readonly id: string;
  /** It did not stop by itself within the deadline. */
  readonly wasKilled: boolean;
}

/** The processes of a local cluster, by member. */
export class LocalCluster {
  readonly #processes = new Map<string, NodeProcess>();
  #isKilled = false;

  constructor(
    readonly members: readonly Member[],
    readonly script: string,
    /** Called whenever a process ends, asked for or not. */
    readonly onExit: (process: NodeProcess, exit: Exit) => void = () => undefined,
  ) {}

  /** Starts every member; resolves once all serve HTTP. On failure what was started is killed. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.members.map((member) => this.startMember(member)));
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Starts one member, for the first time or again; resolves once it serves HTTP. */
  async startMember(member: Member): Promise<void> {
    if (this.#isKilled) throw new Error('the cluster was killed');
    const process = new NodeProcess(member, this.script);
    this.#processes.set(member.id, process);
    void process.exited.then((exit) => this.onExit(process, exit));
    await process.ready();
  }

  processOf(id: string): NodeProcess {
    const process = this.#processes.get(id);
    if (process === undefined) throw new Error(`node ${id} was never started`);
    return process;
  }

  get running(): readonly NodeProcess[] {
    return [...this.#processes.values()].filter(({ exit }) => exit === null);
  }

  /** Stops every process in order, and kills those that are not gone after `deadlineMs`. */
  stop(deadlineMs: number): Promise<readonly MemberExit[]> {
    return Promise.all(this.running.map(async (process) => ({ id: process.member.id, ...(await process.stop(deadlineMs)) })));
  }

  /** Kills every process, for good; resolves once they are gone. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    for (const process of this.running) process.kill();
    await Promise.all([...this.#processes.values()].map(({ exited }) => exited));
  }
}
