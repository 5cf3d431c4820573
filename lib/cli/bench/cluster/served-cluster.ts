import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { LocalCluster } from '../../cluster/local-cluster.js';
import { planCluster, type Member } from '../../cluster/plan.js';
import { findFree } from '../../cluster/ports.js';
import { leaderOf, poll, untilReady } from '../../cluster/status.js';
import { HttpClient } from '../../http-client.js';
import { cpuMicrosOf } from './cpu-time.js';
import type { Sandbox } from './sandbox.js';
import { HttpStore, putRequest } from './store.js';

const STOP_TIMEOUT_MS = 10_000;

/** Three processes of `rxraft serve` on loopback, with data of their own. */
export class ServedCluster {
  readonly store: HttpStore;
  readonly #processes: LocalCluster;
  readonly #client = new HttpClient(Infinity, 10_000);

  private constructor(name: string, members: readonly Member[], script: string, readonly sandbox: Sandbox) {
    this.#processes = new LocalCluster(members, script, ({ pid }) => sandbox.forget(pid));
    this.store = new HttpStore(
      name,
      async () => ({ host: '127.0.0.1', port: (await this.leader()).httpPort }),
      putRequest,
      () => this.#processes.running.flatMap(({ pid }) => pid ?? []),
    );
  }

  /** Resolves once every node serves. @param script has the `serve` command. */
  static async start(name: string, extraArgs: readonly string[], script: string, sandbox: Sandbox): Promise<ServedCluster> {
    const ports = await findFree(6);
    const dataDir = mkdtempSync(join(sandbox.directory, 'served-'));
    const members = planCluster({ dataDir, clusterId: 'rxraft-bench', raftPorts: ports.slice(0, 3), httpPorts: ports.slice(3), extraArgs });
    const cluster = new ServedCluster(name, members, script, sandbox);
    await Promise.all(members.map((member) => cluster.run(member)));
    await cluster.settled();
    return cluster;
  }

  get members(): readonly Member[] {
    return this.#processes.members;
  }

  /** The processor time that the member's process has taken since it was started, in microseconds; null where the system does not tell. */
  cpuMicrosOf(member: Member): number | null {
    const { pid } = this.#processes.processOf(member.id);
    return pid === null ? null : cpuMicrosOf([pid]);
  }

  /** Starts the member's process, for the first time or again; resolves once it serves HTTP. */
  async run(member: Member): Promise<void> {
    const ready = this.#processes.startMember(member);
    const process = this.#processes.processOf(member.id);
    this.sandbox.watch(process.pid, () => process.kill());
    await ready;
  }

  /** SIGKILL. */
  kill(member: Member): void {
    this.#processes.processOf(member.id).kill();
  }

  /** The member that leads with a quorum behind it, once there is one. */
  async leader(): Promise<Member> {
    return (await poll(() => leaderOf(this.#client, this.members), this.sandbox.patience(), 'a leader')).member;
  }

  /** Resolves once every member has caught up with a leader. */
  async settled(): Promise<void> {
    const patience = this.sandbox.patience();
    await Promise.all(this.members.map((member) => untilReady(this.#client, member, patience)));
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#processes.stop(STOP_TIMEOUT_MS);
  }
}
