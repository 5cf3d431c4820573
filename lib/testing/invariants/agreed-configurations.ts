import { decodeConfiguration, isJoint, membersOf, NO_CONFIGURATION, type Configuration, type Membership } from '../../core/configuration.js';
import type { Entry } from '../../core/entry.js';
import type { NodeId } from '../../core/ids.js';
import { must } from './violation.js';

/** The configurations among the entries that the cluster has agreed on, and those that may still come to be among them. */
export class AgreedConfigurations {
  /** In log order. */
  readonly committed: Membership[] = [];
  /** Appended to some log, of a later index than anything that is committed. */
  #open: Membership[] = [];

  /** The newest committed one. */
  get newest(): Membership {
    return this.committed[this.committed.length - 1] ?? { index: 0, configuration: NO_CONFIGURATION };
  }

  /** An entry stands in a log for the first time. */
  noteAppended({ index, kind, payload }: Entry): void {
    if (kind === 'configuration') this.#open.push({ index, configuration: decodeConfiguration(payload) });
  }

  /** The next entry of the log is committed. */
  noteCommitted(server: string, { index, kind, payload }: Entry): void {
    if (this.#open.length > 0) this.#open = this.#open.filter((each) => each.index > index);
    if (kind !== 'configuration') return;
    const configuration = decodeConfiguration(payload);
    decisionsOverlap(server, this.newest.configuration, { index, configuration });
    this.committed.push({ index, configuration });
  }

  /** Whether nothing but the newest committed configuration can count. */
  get isSettled(): boolean {
    return this.#open.length === 0 && !isJoint(this.newest.configuration);
  }

  /** Whether the server counts now, or may come to count without being added once more. */
  mayCount(id: NodeId): boolean {
    return [this.newest, ...this.#open].some(({ configuration }) => membersOf(configuration).includes(id));
  }
}

/**
 * §6: from one configuration to the next "there is no time when both the old and the new can make decisions
 * independently". Voters change only through a joint configuration, which is left for its own new half.
 */
export function decisionsOverlap(server: string, before: Configuration, { index, configuration }: Membership): void {
  if (before.voters.length === 0) return; // nothing was before, or nobody knows what
  const outgoing = isJoint(configuration) ? configuration.votersOutgoing : configuration.voters;
  must(
    isSameSet(outgoing, before.voters) && !(isJoint(before) && isJoint(configuration)),
    'old and new configuration never decide alone (§6)',
    () => `${server} holds ${textOf(configuration)} at ${index}, after ${textOf(before)}`,
  );
}

/** Whether these servers decide: a majority of the voters and, while joint, of the outgoing ones too (§6). Not the core's own arithmetic, so as to check it. */
export function isQuorum({ voters, votersOutgoing }: Configuration, holds: (id: NodeId) => boolean): boolean {
  return isMajority(voters, holds) && (votersOutgoing.length === 0 || isMajority(votersOutgoing, holds));
}

function isMajority(voters: readonly NodeId[], holds: (id: NodeId) => boolean): boolean {
  return 2 * voters.filter(holds).length > voters.length;
}

export function textOf({ voters, votersOutgoing, learners }: Configuration): string {
  const outgoing = votersOutgoing.length === 0 ? '' : ` from ${votersOutgoing.join(' ')}`;
  return `{${voters.join(' ')}${outgoing}${learners.length === 0 ? '' : `, learners ${learners.join(' ')}`}}`;
}

function isSameSet(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
