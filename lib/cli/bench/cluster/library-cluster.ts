import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { LocalCluster } from '../../cluster/local-cluster.js';
import type { Member } from '../../cluster/plan.js';
import { findFree } from '../../cluster/ports.js';
import { poll } from '../../cluster/status.js';
import type { LibraryAnswer, LibraryNodeOptions, LibraryOrder } from './library-node.js';
import type { Load } from './load.js';
import type { Sandbox } from './sandbox.js';
import type { Store } from './store.js';

const STOP_TIMEOUT_MS = 10_000;

type Order<O = LibraryOrder> = O extends LibraryOrder ? Omit<O, 'request'> : never;

/** Three processes, each with a node inside, as an application has it; the callers are in such a process too. */
export class LibraryCluster {
  readonly #processes: LocalCluster;
  readonly #answers = new Map<number, (answer: LibraryAnswer) => void>();
  #requests = 0;

  private constructor(members: readonly Member[], script: string, readonly sandbox: Sandbox) {
    this.#processes = new LocalCluster(members, script, ({ pid }) => sandbox.forget(pid));
  }

  /** Resolves once every node knows a leader. @param script the JavaScript of `library-node.ts`. */
  static async start(script: string, sandbox: Sandbox): Promise<LibraryCluster> {
    const cluster = new LibraryCluster(await planMembers(mkdtempSync(join(sandbox.directory, 'library-'))), script, sandbox);
    await Promise.all(cluster.#processes.members.map((member) => cluster.#run(member)));
    return cluster;
  }

  /** Callers in the leader's process. */
  get leading(): Store {
    return this.#store('the library, callers beside the leader', true);
  }

  /** Callers in the process of a node that forwards to the leader. */
  get following(): Store {
    return this.#store('the library, callers beside a follower', false);
  }

  async stop(): Promise<void> {
    await this.#processes.stop(STOP_TIMEOUT_MS);
  }

  async #run(member: Member): Promise<void> {
    const ready = this.#processes.startMember(member);
    const process = this.#processes.processOf(member.id);
    this.sandbox.watch(process.pid, () => process.kill());
    process.onMessage((message) => {
      const answer = message as LibraryAnswer | { readonly type: 'ready' };
      if (answer.type !== 'ready') this.#answers.get(answer.request)?.(answer);
    });
    await ready;
  }

  #store(name: string, leads: boolean): Store {
    return {
      name,
      closed: async (callers, seconds): Promise<Load> => {
        const member = await poll(() => this.#find(leads), this.sandbox.patience(), 'a leader');
        const answer = await this.#ask(member, { type: 'closed', callers, seconds });
        if (answer.type === 'loaded') return answer.load;
        throw new Error(`node ${member.id}: ${answer.type === 'failed' ? answer.why : answer.type}`);
      },
    };
  }

  /** A member that leads, or one of those that don't while another does; null while none leads. */
  async #find(leads: boolean): Promise<Member | null> {
    const { members } = this.#processes;
    const answers = await Promise.all(members.map((member) => this.#ask(member, { type: 'lead' })));
    const isLeader = answers.map((answer) => answer.type === 'leads' && answer.leads);
    return isLeader.includes(true) ? (members[isLeader.indexOf(leads)] ?? null) : null;
  }

  async #ask(member: Member, order: Order): Promise<LibraryAnswer> {
    const process = this.#processes.processOf(member.id);
    const request = (this.#requests += 1);
    const answered = new Promise<LibraryAnswer>((resolve) => this.#answers.set(request, resolve));
    process.send({ ...order, request });
    const ended = process.exited.then((): LibraryAnswer => ({ type: 'failed', request, why: `the process has ended; its log is ${member.logFile}` }));
    const answer = await Promise.race([answered, ended]);
    this.#answers.delete(request);
    return answer;
  }
}

async function planMembers(directory: string): Promise<readonly Member[]> {
  const ports = await findFree(3);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const ids = ['a', 'b', 'c'];
  const peers = Object.fromEntries(ids.map((id, i) => [id, addresses[i] ?? '']));
  return ids.map((id, i) => {
    const options: LibraryNodeOptions = { id, peers, dataDir: join(directory, id) };
    return { id, raftPort: ports[i] ?? 0, httpPort: 0, url: '', args: [JSON.stringify(options)], dataDir: options.dataDir, logFile: join(directory, `${id}.log`) };
  });
}
