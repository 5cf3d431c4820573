import { Subscription } from 'rxjs';
import type { RaftEvent } from '../core/events.js';
import { ConfigError } from '../ports/errors.js';
import { ESSENTIAL_EVENTS } from '../server/event-kinds.js';
import type { KvNode } from '../server/kv-node.js';
import { openKvServer, type KvServer } from '../server/kv-server.js';
import { CliError, EXIT, messageOf } from './exit.js';
import type { Log } from './log.js';
import { addressText, type Address } from './parse.js';

export interface ServeOptions {
  readonly id: string;
  readonly clusterId: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly dataDir: string;
  readonly http: Address;
  readonly electionTimeoutMs?: number;
  readonly eventBuffer?: number;
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
  if (!Object.hasOwn(options.peers, options.id)) throw new CliError(`--peers does not name this node, ${options.id}`, EXIT.usage);
  const lifetime = new Subscription();
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<{ error: unknown }>((resolve) => (fail = (error) => resolve({ error })));
  const server = await open(options, log, (node) => lifetime.add(logEvents(node, log, fail)));
  const http = addressText(server.http);
  log.info('serving', { node: options.id, http: `http://${http}`, raft: options.peers[options.id], data: options.dataDir, pid: process.pid });
  onReady({ type: 'ready', http });

  const end = await Promise.race([failed, stopped]);
  const reason = typeof end === 'string' ? end : `the node failed: ${messageOf(end.error)}`;
  log.info('stopping', { node: options.id, reason });
  await server.stop(options.stopTimeoutMs);
  lifetime.unsubscribe();
  log.info('stopped', { node: options.id });
  return typeof end === 'string' ? EXIT.ok : EXIT.failed;
}

async function open(options: ServeOptions, log: Log, onCreated: (node: KvNode) => void): Promise<KvServer> {
  const { eventBuffer, stopTimeoutMs: _, ...server } = options;
  try {
    return await openKvServer(
      { ...server, onCreated },
      {
        limits: eventBuffer === undefined ? {} : { maxBufferedEvents: eventBuffer },
        onError: (error) => log.error('a request failed', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      },
    );
  } catch (error) {
    throw new CliError(`node ${options.id} can't start: ${messageOf(error)}`, error instanceof ConfigError ? EXIT.usage : EXIT.failed);
  }
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
