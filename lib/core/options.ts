import type { NodeId } from './ids.js';

/** What a core needs to know that no input tells it. Validated at the edge, by the shell. */
export interface CoreOptions {
  readonly id: NodeId;
  /** Seeds the randomised timeouts. Two nodes of a cluster must not share one. */
  readonly seed: number;
  /** A follower that has heard nothing for this long may campaign; the least and the most of the random range (§5.2). */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatIntervalMs: number;
  /** The lease is this fraction shorter than the least election timeout: how far two clocks' rates may differ (thesis §6.4.1). */
  readonly leaseDriftMargin: number;
  /** Bounds one append message; a larger entry travels alone. */
  readonly maxAppendBytes: number;
  /** Bounds what is sent to one peer and not acknowledged. */
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Bounds the leader's own-term entries that are not committed; beyond it proposals are refused. */
  readonly maxUncommittedBytes: number;
  /** Bounds one batch for the state machine. */
  readonly maxApplyBytes: number;
  /** How much of the log's tail is kept in memory once it is durable and applied. */
  readonly logCacheBytes: number;
}

/** Every option but the id and the seed; `electionTimeoutMinMs` of half a second suits machines in one region. */
export const DEFAULT_CORE_OPTIONS = Object.freeze({
  electionTimeoutMinMs: 500,
  electionTimeoutMaxMs: 1000,
  heartbeatIntervalMs: 100,
  leaseDriftMargin: 0.1,
  maxAppendBytes: 1 << 20,
  maxInflightMessages: 64,
  maxInflightBytes: 16 << 20,
  maxUncommittedBytes: 64 << 20,
  maxApplyBytes: 1 << 20,
  logCacheBytes: 64 << 20,
}) satisfies Omit<CoreOptions, 'id' | 'seed'>;
