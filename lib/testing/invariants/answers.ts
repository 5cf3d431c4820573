import type { NodeId } from '../../core/ids.js';
import type { ObservedTurn } from '../../node/turn-loop.js';
import type { RunRecord } from './server-record.js';
import { must } from './violation.js';

/** What an operator asks of a core is answered once: not twice, and not what nobody asked. That it is answered at all shows when the node stops. */
export function operatorsAreAnsweredOnce(id: NodeId, { unanswered }: RunRecord, { inputs, output }: ObservedTurn): void {
  const property = 'every change and every transfer is answered once';
  for (const input of inputs) {
    if (input.type === 'changeMembership') unanswered.add(`change ${input.id}`);
    else if (input.type === 'transfer') unanswered.add(`transfer ${input.id}`);
  }
  for (const outcome of output.membershipOutcomes) must(unanswered.delete(`change ${outcome.id}`), property, () => `${id} answers change ${outcome.id}, which is not open: ${JSON.stringify(outcome)}`);
  for (const outcome of output.transferOutcomes) must(unanswered.delete(`transfer ${outcome.id}`), property, () => `${id} answers transfer ${outcome.id}, which is not open: ${JSON.stringify(outcome)}`);
}
