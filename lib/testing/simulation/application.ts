import type { LogId, LogIndex, NodeId, Term } from '../../core/ids.js';
import type { NodeOptions } from '../../node/options.js';
import type { SnapshotShape } from './journal-snapshot.js';

/** What a run of a node's program lends the machine in it. */
export interface MachineHost {
  readonly server: NodeId;
  /** Sees every batch before it is applied. */
  onApply(batch: readonly { readonly index: LogIndex; readonly term: Term }[]): void;
  /** A snapshot was restored; `check` is given the last entry that it covers. */
  onRestore(check: (last: LogId) => void): void;
  /** Called for each snapshot. */
  snapshotShape(): SnapshotShape;
  /** Holds a batch up; without it batches are applied at once. */
  readonly delay?: (callback: () => void) => void;
}

/** The parts of a node that depend on what it replicates. */
export type ApplicationParts = Required<Pick<NodeOptions<unknown, unknown, unknown, unknown>, 'stateMachine' | 'commandCodec' | 'valueCodec'>>;

/** What a simulated cluster replicates. */
export interface Application {
  /** For one run of a node. */
  partsFor(host: MachineHost): ApplicationParts;
}
