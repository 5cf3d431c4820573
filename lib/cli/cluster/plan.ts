import { join } from 'node:path';
import { addressText } from '../parse.js';

const HOST = '127.0.0.1';

/** One process of the local cluster. */
export interface Member {
  readonly id: string;
  readonly raftPort: number;
  readonly httpPort: number;
  /** `http://host:port`. */
  readonly url: string;
  /** What its process is called with, after the script: a person can start it by hand with the same. */
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly logFile: string;
  /** A command that runs the rest of its command line in place of itself, such as `nice`. Default: none. */
  readonly launcher?: readonly string[];
}

export interface PlanOptions {
  readonly dataDir: string;
  readonly clusterId: string;
  /** One Raft port and one HTTP port for each node. */
  readonly raftPorts: readonly number[];
  readonly httpPorts: readonly number[];
  readonly extraArgs?: readonly string[];
}

/** Three nodes, a, b and c, on loopback, each of which knows where the others serve HTTP. */
export function planCluster(options: PlanOptions): readonly Member[] {
  const ids = ['a', 'b', 'c'];
  const address = (ports: readonly number[], i: number): string => addressText({ host: HOST, port: ports[i] ?? 0 });
  const peers = ids.map((id, i) => `${id}=${address(options.raftPorts, i)}/${options.httpPorts[i] ?? 0}`).join(',');
  return ids.map((id, i) => planMember(options, id, options.raftPorts[i] ?? 0, options.httpPorts[i] ?? 0, ['--peers', peers]));
}

/** A node on loopback that waits to be added to the cluster. */
export function planJoiner(options: Omit<PlanOptions, 'raftPorts' | 'httpPorts'>, id: string, raftPort: number, httpPort: number): Member {
  return planMember(options, id, raftPort, httpPort, ['--join', '--listen', addressText({ host: HOST, port: raftPort })]);
}

function planMember(options: Omit<PlanOptions, 'raftPorts' | 'httpPorts'>, id: string, raftPort: number, httpPort: number, place: readonly string[]): Member {
  const { dataDir, clusterId, extraArgs = [] } = options;
  const nodeDir = join(dataDir, id);
  const http = addressText({ host: HOST, port: httpPort });
  return {
    id,
    raftPort,
    httpPort,
    url: `http://${http}`,
    dataDir: nodeDir,
    logFile: join(dataDir, `${id}.log`),
    args: ['serve', '--id', id, '--cluster-id', clusterId, ...place, '--http', http, '--data', nodeDir, ...extraArgs],
  };
}
