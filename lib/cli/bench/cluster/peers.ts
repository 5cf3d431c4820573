import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../exit.js';
import { antietcd, ETCD, EtcdCluster, type Dialect } from './etcd-cluster.js';
import type { Sandbox } from './sandbox.js';

/** The other replicated stores of this machine, running, and what is to be said of those that are not here. */
export interface Peers {
  readonly clusters: readonly EtcdCluster[];
  readonly notes: readonly string[];
}

const LIFERAFT =
  '@markwylde/liferaft is not measured: it has no transport of its own, never writes term and vote to a disk, and hands its log to LevelDB without fsync, so a put of it promises less.';
const ANTIETCD = 'antietcd writes its whole database to a file on every change, so the 10,000 keys that are written here cost it more than few would.';

/** @param antietcdScript null where it is not installed. */
export async function startPeers(antietcdScript: string | null, sandbox: Sandbox): Promise<Peers> {
  const version = await etcdVersion();
  const found: Dialect[] = [];
  const notes: string[] = [];
  if (version === null) notes.push('etcd is not on this machine (apt-get install etcd-server): skipped.');
  else found.push(ETCD);
  if (antietcdScript === null) notes.push('antietcd is not installed (npm install --no-save antietcd): skipped.');
  else found.push(antietcd(antietcdScript));
  const clusters: EtcdCluster[] = [];
  for (const dialect of found) {
    const cluster = await EtcdCluster.start(dialect, sandbox).catch((error: unknown) => messageOf(error));
    if (typeof cluster === 'string') notes.push(`${dialect.name} did not start: ${cluster}`);
    else clusters.push(cluster);
  }
  if (version !== null) notes.push(`etcd is version ${version}, asked through its HTTP/JSON gateway.`);
  if (antietcdScript !== null) notes.push(ANTIETCD);
  return { clusters, notes: [...notes, LIFERAFT] };
}

/** Null when there is no such program. */
async function etcdVersion(): Promise<string | null> {
  const { stdout } = await promisify(execFile)('etcd', ['--version']).catch(() => ({ stdout: null }));
  return stdout === null ? null : (/etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown');
}
