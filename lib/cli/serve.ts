import { readFileSync } from 'node:fs';
import { Subscription } from 'rxjs';
import type { NodeInfo } from '../core/configuration.js';
import type { RaftEvent } from '../core/events.js';
import { DEFAULT_SNAPSHOT_POLICY, type SnapshotPolicy } from '../node/snapshots/policy.js';
import { ConfigError } from '../ports/errors.js';
import { ESSENTIAL_EVENTS } from '../server/event-kinds.js';
import type { KvNode } from '../server/kv-node.js';
import { openKvServer, type KvServer } from '../server/kv-server.js';
import { CliError, EXIT, messageOf } from './exit.js';
import { HTTP_LABEL } from '../server/http/member-report.js';
import type { Log } from './log.js';
import { addressText, type Address, type Peer } from './parse.js';

export interface ServeOptions {
  readonly id: string;
  readonly clusterId: string;
  /** Every node of a new cluster; null joins an existing one. */
  readonly peers: Readonly<Record<string, Peer>> | null;
  /** Where the other nodes reach this one; null: as `peers` says. */
  readonly listen: string | null;
  readonly dataDir: string;
  readonly http: Address;
  /** Files in PEM for TLS between the nodes: all three, or none. */
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly electionTimeoutMs?: number;
  readonly electionTimeoutMaxMs?: number;
  readonly eventBuffer?: number;
  readonly snapshotEntries?: number;
  readonly keepEntries?: number;
  /** How long each step of an orderly stop may take. */
  readonly stopTimeoutMs: number;
}

/** What a parent process is told over IPC once HTTP is served. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly http: string;
}

/**
 * Runs one node until `stopped` resolves or the node fails; resolves with the exit code.
 * @throws {CliError} when the node can't start.
 */
export async function serve(options: ServeOptions, log: Log, onReady: (message: ReadyMessage) => void, stopped: Promise<string>): Promise<number> {
  const listen = listenAddressOf(options);
  const lifetime = new Subscription();
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<{ error: unknown }>((resolve) => (fail = (error) => resolve({ error })));
  const server = await open(options, listen, log, (node) => lifetime.add(logEvents(node, log, fail)));
  const http = addressText(server.http);
  log.info('serving', { node: options.id, http: `http://${http}`, raft: listen, data: options.dataDir, pid: process.pid });
  onReady({ type: 'ready', http });

  const end = await Promise.race([failed, stopped]);
  const reason = typeof end === 'string' ? end : `the node failed: ${messageOf(end.error)}`;
  log.info('stopping', { node: options.id, reason });
  await server.stop(options.stopTimeoutMs);
  lifetime.unsubscribe();
  log.info('stopped', { node: options.id });
  return typeof end === 'string' ? EXIT.ok : EXIT.failed;
}

/** @throws {CliError} when the options don't say where this node is, or say it of others only. */
function listenAddressOf({ id, peers, listen }: ServeOptions): string {
  if (peers === null && listen === null) throw new CliError('give --peers for a node of a new cluster, or --join with --listen for one that waits to be added', EXIT.usage);
  if (peers !== null && !Object.hasOwn(peers, id)) throw new CliError(`--peers does not name this node, ${id}`, EXIT.usage);
  return listen ?? peers?.[id]?.address ?? '';
}

async function open(options: ServeOptions, listen: string, log: Log, onCreated: (node: KvNode) => void): Promise<KvServer> {
  const { eventBuffer, stopTimeoutMs: _, snapshotEntries, keepEntries, peers, tlsCa, tlsCert, tlsKey, ...server } = options;
  const tls = readTls(tlsCa, tlsCert, tlsKey);
  try {
    return await openKvServer(
      { ...server, listen, ...(peers === null ? {} : { peers: nodesOf(peers) }), ...policyOf(snapshotEntries, keepEntries), ...tls, onCreated },
      {
        limits: eventBuffer === undefined ? {} : { maxBufferedEvents: eventBuffer },
        onError: (error) => log.error('a request failed', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      },
    );
  } catch (error) {
    throw new CliError(`node ${options.id} can't start: ${messageOf(error)}`, error instanceof ConfigError ? EXIT.usage : EXIT.failed);
  }
}

/** @throws {CliError} when a file is not named or can't be read. */
function readTls(ca: string | undefined, cert: string | undefined, key: string | undefined): { tls?: Record<'ca' | 'cert' | 'key', Buffer> } {
  if (ca === undefined && cert === undefined && key === undefined) return {};
  if (ca === undefined || cert === undefined || key === undefined) throw new CliError('TLS needs all three: --tls-ca, --tls-cert and --tls-key', EXIT.usage);
  const read = (flag: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new CliError(`${flag}: ${messageOf(error)}`, EXIT.usage);
    }
  };
  return { tls: { ca: read('--tls-ca', ca), cert: read('--tls-cert', cert), key: read('--tls-key', key) } };
}

/** The first configuration: the HTTP addresses become labels in it, by which clients find the leader. */
function nodesOf(peers: Readonly<Record<string, Peer>>): Record<string, NodeInfo> {
  return Object.fromEntries(Object.entries(peers).map(([id, { address, http }]) => [id, http === null ? { address } : { address, metadata: { [HTTP_LABEL]: http } }]));
}

/** A node that takes snapshots often does not keep more log behind them than lies between two. */
function policyOf(entries: number | undefined, keepEntries: number | undefined): { snapshotPolicy?: Partial<SnapshotPolicy> } {
  if (entries === undefined && keepEntries === undefined) return {};
  const keep = keepEntries ?? Math.min(entries ?? Infinity, DEFAULT_SNAPSHOT_POLICY.keepEntries);
  return { snapshotPolicy: { ...(entries === undefined ? {} : { entries }), keepEntries: keep } };
}

/** Essential transitions go to the log; the stream errors when the node fails. */
function logEvents(node: KvNode, log: Log, onFailed: (error: unknown) => void): Subscription {
  const essential: ReadonlySet<string> = new Set(ESSENTIAL_EVENTS);
  return node.events.subscribe({
    next: (event: RaftEvent) => {
      if (essential.has(event.type)) log.event(event);
    },
    error: onFailed,
  });
}
