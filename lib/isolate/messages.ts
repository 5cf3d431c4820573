import type { RaftEventBody } from '../core/events.js';
import type { LogIndex, Term } from '../core/ids.js';
import type { MachineNotice } from '../ports/state-machine.js';
import type { ReadOptions } from '../node/raft-node.js';
import type { EncodedError } from './errors-across.js';

/** Calls of the application that are answered once. */
export type AdminMethod = 'changeMembership' | 'transferLeadership' | 'takeSnapshot';
/** Calls that need no answer. */
export type CommandMethod = 'stepDown' | 'campaign' | 'pauseElections' | 'resumeElections' | 'compactLog';

/** The result of one command as another node gets it: encoded, or why it can't be. */
export type EncodedValue = Uint8Array | string;

/**
 * Committed commands on their way to the state machine: one by its bytes, or neighbours in the log by their numbers as proposals,
 * since the application has those bytes and waits for their results.
 */
export type ApplyRun =
  | { readonly index: LogIndex; readonly term: Term; readonly command: Uint8Array }
  | { readonly index: LogIndex; readonly term: Term; readonly id: number; readonly count: number };

/** A stream of bytes on its way; either side may be the sender. At most a window of it is under way. */
export type StreamMessage =
  | { readonly type: 'chunk'; readonly stream: number; readonly data: Uint8Array }
  | { readonly type: 'streamEnded'; readonly stream: number; readonly error: EncodedError | null }
  | { readonly type: 'streamTaken'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'streamCancelled'; readonly stream: number };

/** From the application's thread to the node's. */
export type ToWorker =
  | { readonly type: 'propose'; readonly id: number; readonly timeoutMs: number; readonly isAbortable: boolean; readonly payload: Uint8Array }
  | { readonly type: 'read'; readonly id: number; readonly timeoutMs: number; readonly isAbortable: boolean; readonly consistency: NonNullable<ReadOptions['consistency']>; readonly maxStalenessMs: number }
  | { readonly type: 'call'; readonly id: number; readonly method: AdminMethod; readonly args: readonly unknown[]; readonly isAbortable: boolean }
  | { readonly type: 'command'; readonly method: CommandMethod; readonly args: readonly unknown[] }
  | { readonly type: 'abort'; readonly id: number }
  /** The state machine took the batch; `values` only when they were asked for. */
  | { readonly type: 'applied'; readonly count: number; readonly values: readonly EncodedValue[] | null }
  /** It did what it was asked to, or could not. */
  | { readonly type: 'machineDone'; readonly request: number; readonly error: EncodedError | null }
  | { readonly type: 'notice'; readonly notice: MachineNotice }
  /** Whether another node's command can be read; why not. */
  | { readonly type: 'checked'; readonly request: number; readonly error: string | null }
  | { readonly type: 'follow'; readonly id: number; readonly from: LogIndex }
  | { readonly type: 'followTaken'; readonly id: number; readonly bytes: number }
  | { readonly type: 'unfollow'; readonly id: number }
  | { readonly type: 'stop' }
  | StreamMessage;

/** From the node's thread to the application's. */
export type ToApplication =
  /** The events of one turn. */
  | { readonly type: 'events'; readonly at: number; readonly wallTime: number; readonly events: readonly RaftEventBody[] }
  /** Proposals with neighbouring numbers are done, side by side in the log; the state machine's results are with the application. */
  | { readonly type: 'proposed'; readonly id: number; readonly count: number; readonly index: LogIndex; readonly term: Term }
  /** A proposal is done, and the leader's state machine gave the result. */
  | { readonly type: 'forwarded'; readonly id: number; readonly index: LogIndex; readonly term: Term; readonly value: Uint8Array }
  /** The state machine may be asked as it is now; `freshAt` is the newest proof of its freshness, monotonic ms. */
  | { readonly type: 'readable'; readonly id: number; readonly freshAt: number }
  | { readonly type: 'answered'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly id: number; readonly error: EncodedError }
  | { readonly type: 'apply'; readonly runs: readonly ApplyRun[]; readonly wantsValues: boolean }
  /** `request` names the answer; the stream of a `snapshot` or `restore` has the same number. */
  | { readonly type: 'machine'; readonly request: number; readonly operation: 'reset' | 'snapshot' | 'restore' }
  | { readonly type: 'check'; readonly request: number; readonly payload: Uint8Array }
  | { readonly type: 'entry'; readonly id: number; readonly index: LogIndex; readonly term: Term; readonly payload: Uint8Array }
  | { readonly type: 'followEnded'; readonly id: number; readonly error: EncodedError | null }
  /** Messages of other nodes that were dropped because the application is behind with its events. */
  | { readonly type: 'dropped'; readonly count: number }
  | { readonly type: 'started' }
  | { readonly type: 'startFailed'; readonly error: EncodedError }
  /** The node's own fatal fault. */
  | { readonly type: 'failed'; readonly error: EncodedError }
  /** Everything is closed; nothing follows. */
  | { readonly type: 'closed'; readonly error: EncodedError | null }
  | StreamMessage;

export type Message = ToWorker | ToApplication;
