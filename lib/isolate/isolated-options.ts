import { resolveOptions, type NodeOptions, type ResolvedOptions } from '../node/options.js';
import { ConfigError, type ConfigProblem } from '../ports/errors.js';
import type { Storage } from '../ports/storage.js';
import type { Transport } from '../ports/transport.js';
import { TcpTransport, type Pem, type TlsOptions, type TlsSource } from '../transport/tcp.js';
import { DEFAULT_BACKLOG_BOUNDS, type BacklogBounds, type WorkerSetup } from './setup.js';

/** What an isolated node is made of: plain data, and what stays with the application. */
export interface IsolatedNodeOptions<C, R, Q, A> extends Omit<NodeOptions<C, R, Q, A>, 'storage' | 'transport'> {
  readonly dataDir: string;
  readonly listen: string;
  readonly tls?: TlsSource;
  /** Default `DEFAULT_BACKLOG_BOUNDS`. */
  readonly bounds?: BacklogBounds;
}

/** Stands in for what the node's thread makes itself. */
const MADE_THERE = {} as Storage & Transport;

/**
 * Checks the options before a thread is made.
 * @throws {ConfigError} that lists everything that is wrong, and what can't go to another thread.
 */
export function checkIsolated<C, R, Q, A>(options: IsolatedNodeOptions<C, R, Q, A>): { readonly resolved: ResolvedOptions; readonly setup: WorkerSetup } {
  const { dataDir, listen, tls, bounds = DEFAULT_BACKLOG_BOUNDS, ...rest } = options;
  const problems: ConfigProblem[] = [];
  for (const option of ['clock', 'turnObserver'] as const) {
    if (options[option] !== undefined) problems.push({ option, value: options[option], allowed: 'nothing, with isolate: it would have to run in the node\'s thread' });
  }
  if (typeof tls === 'function') problems.push({ option: 'tls', value: tls.name, allowed: 'an object, with isolate: the node\'s thread can\'t call a function of this one' });
  if (typeof (dataDir as unknown) !== 'string') problems.push({ option: 'dataDir', value: dataDir, allowed: 'a path' });
  const plainTls = tls === undefined || typeof tls === 'function' ? null : plainTlsOf(tls);
  collect(problems, () => new TcpTransport({ listen, ...(plainTls === null ? {} : { tls: plainTls }) }));
  const resolved = collect(problems, () => resolveOptions({ ...rest, storage: MADE_THERE, transport: MADE_THERE }));
  if (problems.length > 0 || resolved === null) throw new ConfigError(problems);
  return { resolved, setup: { options: plainOf(options, resolved), dataDir, listen, tls: plainTls, bounds, timeOrigin: performance.timeOrigin } };
}

/** Every option by name, with its default, and nothing else that the caller may have passed. */
function plainOf<C, R, Q, A>({ peers }: IsolatedNodeOptions<C, R, Q, A>, { core, limits, snapshotPolicy, clusterId, runId }: ResolvedOptions): WorkerSetup['options'] {
  return { ...limits, ...core, snapshotPolicy, clusterId, runId, ...(peers === undefined ? {} : { peers }) };
}

/** Texts: a `Buffer` would arrive as something else. */
function plainTlsOf({ ca, cert, key, passphrase }: TlsOptions): TlsOptions {
  const text = (pem: Pem): string => pem.toString();
  return {
    ca: typeof ca === 'string' || Buffer.isBuffer(ca) ? text(ca) : ca.map(text),
    cert: text(cert),
    key: text(key),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function collect<T>(problems: ConfigProblem[], check: () => T): T | null {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}
