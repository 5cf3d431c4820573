import { join } from 'node:path';
import type { NodeInfo } from '../../core/configuration.js';
import { HTTP_LABEL } from '../../server/http/member-report.js';
import { findFree } from '../cluster/ports.js';
import type { Member } from '../cluster/plan.js';
import type { ChildOptions } from './child.js';

/** A node whose peers know it by the port of a proxy. */
export interface ChaosMember extends Member {
  readonly proxyPort: number;
}

interface Ports {
  readonly proxy: number;
  readonly raft: number;
  readonly http: number;
}

const CLUSTER_ID = 'rxraft-chaos';
const HOST = '127.0.0.1';
/** Ports for more nodes than there are at a time, so that no port of a node that is down is taken for another. */
const SPARE = 4;
/** Small, so that snapshots are taken, sent and restored all the time. */
const SNAPSHOT_ENTRIES = 500;
const KEEP_ENTRIES = 100;
const EVENT_BUFFER = 65_536;

/** Names nodes and gives them ports and directories. */
export class MemberPlan {
  readonly #directory: string;
  readonly #ports: Ports[];
  readonly #portsOf = new Map<string, Ports>();
  #count = 0;

  private constructor(directory: string, ports: Ports[]) {
    this.#directory = directory;
    this.#ports = ports;
  }

  /** Looks for free ports. @param directory of all nodes' data and logs. */
  static async open(directory: string, nodes: number): Promise<MemberPlan> {
    const free = await findFree(3 * (nodes + SPARE));
    const ports = Array.from({ length: nodes + SPARE }, (_, i) => ({ proxy: free[3 * i] ?? 0, raft: free[3 * i + 1] ?? 0, http: free[3 * i + 2] ?? 0 }));
    return new MemberPlan(directory, ports);
  }

  /** The nodes of the new cluster. */
  founders(count: number): readonly ChaosMember[] {
    const planned = Array.from({ length: count }, () => this.#next());
    const peers = Object.fromEntries(planned.map(([id, ports]) => [id, infoOf(ports)]));
    return planned.map(([id, ports]) => this.#member(id, ports, peers));
  }

  /** A node that waits to be added. */
  joiner(): ChaosMember {
    const [id, ports] = this.#next();
    return this.#member(id, ports, null);
  }

  /** What the others need to know of a node. */
  infoOf(member: ChaosMember): NodeInfo {
    return infoOf({ proxy: member.proxyPort, raft: member.raftPort, http: member.httpPort });
  }

  /** The node is gone: another one may have its ports. */
  release({ id }: ChaosMember): void {
    const ports = this.#portsOf.get(id);
    this.#portsOf.delete(id);
    if (ports !== undefined) this.#ports.push(ports);
  }

  #next(): [id: string, ports: Ports] {
    const ports = this.#ports.shift();
    if (ports === undefined) throw new Error('there are no ports left for another node');
    this.#count += 1;
    const id = `n${this.#count}`;
    this.#portsOf.set(id, ports);
    return [id, ports];
  }

  #member(id: string, ports: Ports, peers: Readonly<Record<string, NodeInfo>> | null): ChaosMember {
    const dataDir = join(this.#directory, id);
    const options: ChildOptions = {
      id,
      clusterId: CLUSTER_ID,
      peers,
      listen: `${HOST}:${ports.raft}`,
      httpPort: ports.http,
      dataDir,
      eventBuffer: EVENT_BUFFER,
      snapshotEntries: SNAPSHOT_ENTRIES,
      keepEntries: KEEP_ENTRIES,
    };
    return {
      id,
      raftPort: ports.raft,
      httpPort: ports.http,
      proxyPort: ports.proxy,
      url: `http://${HOST}:${ports.http}`,
      args: [JSON.stringify(options)],
      dataDir,
      logFile: join(this.#directory, `${id}.log`),
    };
  }
}

function infoOf({ proxy, http }: Ports): NodeInfo {
  return { address: `${HOST}:${proxy}`, metadata: { [HTTP_LABEL]: `${HOST}:${http}` } };
}
