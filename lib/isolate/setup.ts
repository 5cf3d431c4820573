import type { NodeOptions } from '../node/options.js';
import type { TlsOptions } from '../transport/tcp.js';

/** Node options that are plain data, so that they can cross to another thread. */
export type PlainNodeOptions = Omit<
  NodeOptions<never, never>,
  'storage' | 'transport' | 'stateMachine' | 'commandCodec' | 'valueCodec' | 'reporter' | 'onUnhandledError' | 'clock' | 'turnObserver'
>;

/** What the node's thread may have gathered for an application that takes nothing. */
export interface BacklogBounds {
  /** From here on the node takes no entries of a leader and no commands of other nodes, until the application has caught up. */
  readonly holdBytes: number;
  /** Here the node fails, rather than to take all memory or to keep events back. */
  readonly failBytes: number;
}

export const DEFAULT_BACKLOG_BOUNDS: BacklogBounds = { holdBytes: 64 << 20, failBytes: 256 << 20 };

/** Everything the node's thread is told when it begins. */
export interface WorkerSetup {
  readonly options: PlainNodeOptions & { readonly runId: string };
  readonly dataDir: string;
  readonly listen: string;
  readonly tls: TlsOptions | null;
  readonly bounds: BacklogBounds;
  /** `performance.timeOrigin` of the application's thread: both must tell the same time. */
  readonly timeOrigin: number;
}
