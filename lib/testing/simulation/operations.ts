import { NotLeaderError, StorageError, StoppedError, TimeoutError, TransferError } from '../../ports/errors.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Dice } from './dice.js';
import type { OperationName } from './operation-names.js';
import type { ServerRun, SimulatedServer } from './server.js';

/** What an operation is done with. */
export interface OperationContext {
  readonly cluster: SimulatedCluster;
  readonly dice: Dice;
  readonly server: SimulatedServer;
  readonly run: ServerRun;
  /** Waits for a call's end, which must come unless the node dies; `isLawful` tells which errors it may come to. */
  readonly follow: <T>(name: string, call: Promise<T>, isLawful: (error: unknown) => boolean, done?: (value: T) => void) => void;
}

/** How an operator does each thing. */
export const OPERATIONS: Readonly<Record<OperationName, (context: OperationContext) => void>> = {
  snapshot: ({ run, follow }) => follow('takeSnapshot', run.node.takeSnapshot(), isLawfulForSnapshots),
  compaction: ({ run, dice }) => run.node.compactLog(dice.whole(0, run.node.metrics.value.applied.index + 5)),
  transfer: (context) => transfer(context, null),
  'transfer to one': (context) => transfer(context, context.dice.pick(context.cluster.servers).id),
  'step down': ({ run }) => run.node.stepDown(),
  campaign: ({ run }) => run.node.campaign(),
  'pause of elections': ({ run }) => run.node.pauseElections(),
};

function transfer({ cluster, run, dice, follow }: OperationContext, to: string | null): void {
  const timeoutMs = dice.pick([20, 300, 300, 1000]);
  follow('transferLeadership', run.node.transferLeadership(to, { timeoutMs }), isLawfulForTransfers, (leader) => {
    cluster.guard(() => cluster.invariants.transfersLeadWhereTheySay(leader));
  });
}

function isLawfulForTransfers(error: unknown): boolean {
  return [TransferError, NotLeaderError, StoppedError, TimeoutError].some((kind) => error instanceof kind);
}

/** A storage that fails does so by an injected fault: else the node's own fault would be the first to be told. */
function isLawfulForSnapshots(error: unknown): boolean {
  return error instanceof StoppedError || error instanceof StorageError || (error instanceof Error && error.message.startsWith('nothing is applied yet'));
}
