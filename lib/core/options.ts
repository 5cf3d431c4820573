import type { NodeId } from './ids.js';

/** What a core needs to know that no input tells it. Times are milliseconds, sizes bytes. Validated at the edge, by the shell. */
export interface CoreOptions {
  /** This server's name. */
  readonly id: NodeId;
  /** Seeds the randomised timeouts. Two nodes of a cluster must not share one. */
  readonly seed: number;
  /**
   * A follower that has heard nothing for this long may campaign; the least of the random range (§5.2). Also: how long a voter that
   * heard a leader helps no other (§6), and after how long without a quorum a leader steps down (thesis §6.2). The same
   * on every server: lease reads rest on it. Default 500.
   */
  readonly electionTimeoutMinMs: number;
  /**
   * The most of the random range; well above the least, so that votes rarely split (§9.3). Of servers whose connection to the leader breaks
   * the first, by priority and name, waits for the least timeout and an eighth of the range, the others for the upper half. Default 1000.
   */
  readonly electionTimeoutMaxMs: number;
  /** How often a leader says that it lives; several times within the least election timeout (§5.6). Default 100. */
  readonly heartbeatIntervalMs: number;
  /**
   * A leader tells its followers what is committed with the next append; when none leaves within this time, by a message of its own. That leaves at
   * once where somebody may wait on another server: for a read, a forwarded command, a change of the configuration; with 0 it always does. Default 2.
   */
  readonly commitNoticeDelayMs: number;
  /** From 0 to 0.9, default 0.1. The lease is this fraction shorter than the least election timeout: how far two clocks' rates may differ (thesis §6.4.1). */
  readonly leaseDriftMargin: number;
  /** Bounds one append message; a larger entry travels alone. Default 1 MiB. */
  readonly maxAppendBytes: number;
  /** Bounds the appends that are sent to one peer and not acknowledged. Default 64. */
  readonly maxInflightMessages: number;
  /** The same in bytes; one append is always allowed. Default 16 MiB. */
  readonly maxInflightBytes: number;
  /** Bounds the leader's own-term entries that are not committed; beyond it proposals are refused as overload. Default 64 MiB. */
  readonly maxUncommittedBytes: number;
  /** Bounds one batch for the state machine; a larger entry goes alone. Default 256 KiB. */
  readonly maxApplyBytes: number;
  /**
   * How much of the log stays in memory, once it is durable and committed, for peers and a state machine that lack it; what is
   * older is read from storage. What everybody has leaves memory by itself, but for a short tail. Default 64 MiB.
   */
  readonly logCacheBytes: number;
}

/** Every option but the id and the seed; `electionTimeoutMinMs` of half a second suits machines in one region. */
export const DEFAULT_CORE_OPTIONS = Object.freeze({
  electionTimeoutMinMs: 500,
  electionTimeoutMaxMs: 1000,
  heartbeatIntervalMs: 100,
  commitNoticeDelayMs: 2,
  leaseDriftMargin: 0.1,
  maxAppendBytes: 1 << 20,
  maxInflightMessages: 64,
  maxInflightBytes: 16 << 20,
  maxUncommittedBytes: 64 << 20,
  maxApplyBytes: 256 << 10,
  logCacheBytes: 64 << 20,
}) satisfies Omit<CoreOptions, 'id' | 'seed'>;
