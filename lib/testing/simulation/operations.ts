import { NotLeaderError, StorageError, StoppedError, TimeoutError, TransferError } from '../../ports/errors.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Asked } from './asked.js';
import type { Churn } from './churn.js';
import type { Dice } from './dice.js';
import { MEMBERSHIP_OPERATION_NAMES, type OperationName } from './operation-names.js';

/** What an operation is done with. */
export interface OperationContext extends Asked {
  readonly cluster: SimulatedCluster;
  readonly dice: Dice;
  readonly churn: Churn;
}

/** Does it; false when there was nothing to do it to. */
type Operation = (context: OperationContext) => boolean;

const CHANGES = Object.fromEntries(MEMBERSHIP_OPERATION_NAMES.map((name) => [name, (context: OperationContext) => context.churn.change(name, context, context.dice)])) as Record<(typeof MEMBERSHIP_OPERATION_NAMES)[number], Operation>;

/** How an operator does each thing. */
export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  snapshot({ run, follow }) {
    follow('takeSnapshot', run.node.takeSnapshot(), { isLawful: isLawfulForSnapshots });
    return true;
  },
  compaction({ run, dice }) {
    run.node.compactLog(dice.whole(0, run.node.metrics.value.applied.index + 5));
    return true;
  },
  transfer: (context) => transfer(context, null),
  'transfer to one': (context) => transfer(context, context.dice.pick(context.cluster.servers).id),
  'step down'({ run }) {
    run.node.stepDown();
    return true;
  },
  campaign({ run }) {
    run.node.campaign();
    return true;
  },
  'pause of elections'({ run }) {
    run.node.pauseElections();
    return true;
  },
  ...CHANGES,
  retirement: ({ churn, dice }) => churn.retire(dice),
};

function transfer({ cluster, run, dice, follow }: OperationContext, to: string | null): boolean {
  const timeoutMs = dice.pick([20, 300, 300, 1000]);
  follow('transferLeadership', run.node.transferLeadership(to, { timeoutMs }), {
    isLawful: isLawfulForTransfers,
    done: (leader) => cluster.guard(() => cluster.invariants.transfersLeadWhereTheySay(leader)),
  });
  return true;
}

function isLawfulForTransfers(error: unknown): boolean {
  return [TransferError, NotLeaderError, StoppedError, TimeoutError].some((kind) => error instanceof kind);
}

/** A storage that fails does so by an injected fault: else the node's own fault would be the first to be told. */
function isLawfulForSnapshots(error: unknown): boolean {
  return error instanceof StoppedError || error instanceof StorageError || (error instanceof Error && error.message.startsWith('nothing is applied yet'));
}
