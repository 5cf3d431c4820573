import type { NodeId } from '../core/ids.js';
import type { NewNode } from '../core/membership-plan.js';
import type { SnapshotPolicy } from '../node/snapshots/policy.js';
import type { StateMachine } from '../ports/state-machine.js';
import { openRaftNode, type OpenNodeOptions } from '../open.js';
import { HttpService, type HttpServiceOptions } from './http.js';
import { KvMachine } from './kv-machine.js';
import type { KvAnswer, KvCommand, KvQuery, KvResult } from './kv/commands.js';
import type { KvNode } from './kv-node.js';

/** The store, or what stands around it. */
export type KvStateMachine = StateMachine<KvCommand, KvResult, KvQuery, KvAnswer>;

export interface KvServerOptions {
  readonly id: NodeId;
  readonly clusterId: string;
  /** Every node of a new cluster, this one included; without it a node on an empty directory waits to be added. */
  readonly peers?: Readonly<Record<NodeId, NewNode>>;
  /** Where the other nodes reach this one, `host:port`. Default: the own address in `peers`. */
  readonly listen?: string;
  /** TLS between the nodes; HTTP is served without. */
  readonly tls?: NonNullable<OpenNodeOptions<KvCommand, KvResult, KvQuery, KvAnswer>['tls']>;
  readonly dataDir: string;
  readonly http: { readonly host: string; readonly port: number };
  /** The least time without a leader before an election; a heartbeat comes five times within it. Default: the node's own. */
  readonly electionTimeoutMs?: number;
  /** Where the random range ends. Default: twice `electionTimeoutMs`, if that is given; else the node's own. */
  readonly electionTimeoutMaxMs?: number;
  /** When to take snapshots and how much log to keep. Default: the node's own. */
  readonly snapshotPolicy?: Partial<SnapshotPolicy>;
  /** Default: a new `KvMachine`. */
  readonly stateMachine?: KvStateMachine;
  /** Gets the node before it starts: subscriptions made there miss nothing. */
  readonly onCreated?: (node: KvNode) => void;
}

/** One node of the replicated store with its HTTP service, running. */
export interface KvServer {
  readonly node: KvNode;
  readonly service: HttpService;
  /** Where HTTP is served. */
  readonly http: { readonly host: string; readonly port: number };
  /** Answers what is in progress, stops the node, ends the event streams; each step waits `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>;
}

/**
 * Opens one node of the replicated store on durable storage and TCP, and serves it over HTTP.
 * Rejects, with nothing left open, when an address can't be had, the data is not this node's, or an option is wrong.
 */
export async function openKvServer(options: KvServerOptions, service: HttpServiceOptions = {}): Promise<KvServer> {
  let http: HttpService | null = null;
  const { http: address, electionTimeoutMs, electionTimeoutMaxMs, onCreated, ...rest } = options;
  try {
    const node = await openRaftNode<KvCommand, KvResult, KvQuery, KvAnswer>({ stateMachine: new KvMachine(), ...rest, ...timing(electionTimeoutMs, electionTimeoutMaxMs) }, (created) => {
      http = new HttpService(created, service);
      onCreated?.(created);
    });
    return await serve(node, http, address);
  } catch (error) {
    await (http as HttpService | null)?.close(0);
    throw error;
  }
}

async function serve(node: KvNode, service: HttpService | null, address: KvServerOptions['http']): Promise<KvServer> {
  if (service === null) throw new Error('the node was started before it was shown');
  let http: KvServer['http'];
  try {
    http = await service.listen(address.host, address.port);
  } catch (error) {
    await node.stop();
    throw error;
  }
  const stop = async (deadlineMs: number): Promise<void> => {
    await service.drain(deadlineMs);
    await node.stop();
    await service.close(deadlineMs);
  };
  return { node, service, http, stop };
}

function timing(minMs: number | undefined, maxMs: number | undefined): { electionTimeoutMinMs?: number; electionTimeoutMaxMs?: number; heartbeatIntervalMs?: number } {
  if (minMs === undefined) return maxMs === undefined ? {} : { electionTimeoutMaxMs: maxMs };
  return { electionTimeoutMinMs: minMs, electionTimeoutMaxMs: maxMs ?? minMs * 2, heartbeatIntervalMs: Math.max(1, Math.floor(minMs / 5)) };
}
