import { decodeConfiguration, encodeConfiguration, isJoint, type Configuration, type Membership } from '../../core/configuration.js';
import type { LogIndex, NodeId } from '../../core/ids.js';
import { planChange, type MembershipChange } from '../../core/membership-plan.js';
import type { CommittedMembership } from '../../node/admin-calls.js';
import { textOf } from './agreed-configurations.js';
import { must } from './violation.js';

/** One call of an operator that changes the membership. */
export interface MembershipCall {
  readonly node: NodeId;
  readonly change: MembershipChange;
  /** An address that this change alone gives to a member: by it the change is known in the log. Null for what can't be lawful. */
  readonly mark: string | null;
  readonly expected: LogIndex | null;
}

/** What operators were told of their changes, held against the configurations that were committed. */
export class ChangeHistory {
  /** Marks of changes whose caller was told that they did not and will not happen, with the words. */
  readonly #refused = new Map<string, string>();

  /** @param committed the configurations that the cluster has agreed on, in log order; grows. */
  constructor(private readonly committed: readonly Membership[]) {}

  /**
   * A change was answered as done: the configuration that it leads to, from the one that was in force when it began, is
   * committed where the answer says; and the one that it named as its precondition was in force.
   */
  doneChangesAreCommitted({ node, change, mark, expected }: MembershipCall, { index, configuration }: CommittedMembership): void {
    const property = 'a change that is done is in the committed configurations';
    const found = this.committed.find((each) => each.index === index)?.configuration;
    must(found !== undefined && isSame(found, configuration), property, () => `${node} answers that ${textOf(configuration)} is committed at ${index}; there is ${found === undefined ? 'none' : textOf(found)}`);
    must(!isJoint(configuration), property, () => `${node} answers ${textOf(configuration)} at ${index}, which is not the end of a change`);
    const first = this.committed.findIndex((each) => mark !== null && bears(each.configuration, mark));
    const before = this.committed[first - 1];
    must(before !== undefined, property, () => `${node} says that ${JSON.stringify(change)} is done; no committed configuration shows it`);
    const plan = planChange(before.configuration, change);
    must('target' in plan && isSame(plan.target, configuration), property, () => `${node} answers ${textOf(configuration)} at ${index} to ${JSON.stringify(change)} of ${textOf(before.configuration)}`);
    must(expected === null || expected === before.index, 'a change with a precondition is made from that configuration', () => `${node} has changed the configuration at ${before.index}, asked to change the one at ${String(expected)}`);
  }

  noteRefused({ mark }: MembershipCall, words: string): void {
    if (mark !== null) this.#refused.set(mark, words);
  }

  /** At the end: nothing that was refused is in the log, not even half-done. */
  refusedChangesNeverHappened(): void {
    for (const { index, configuration } of this.committed) {
      for (const { address } of Object.values(configuration.nodes)) {
        must(!this.#refused.has(address), 'refused changes never take effect', () => `${address} is in the configuration at ${index}; the caller was told: ${String(this.#refused.get(address))}`);
      }
    }
  }
}

function bears({ nodes }: Configuration, mark: string): boolean {
  return Object.values(nodes).some(({ address }) => address === mark);
}

function isSame(a: Configuration, b: Configuration): boolean {
  return asEntry(a) === asEntry(b);
}

/** As the log has it, where lists are in order and nobody is described who is no member. */
function asEntry(configuration: Configuration): string {
  return JSON.stringify(decodeConfiguration(encodeConfiguration(configuration)));
}
