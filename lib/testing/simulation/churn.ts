import { membersOf } from '../../core/configuration.js';
import type { NodeId } from '../../core/ids.js';
import { MembershipChangeError, NotLeaderError, StoppedError } from '../../ports/errors.js';
import { ChangeHistory, type MembershipCall } from '../invariants/change-history.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Asked } from './asked.js';
import type { Dice } from './dice.js';
import { MEMBERSHIP_CHANGES, replacement, type MembershipView, type WantedChange } from './membership-changes.js';
import type { MembershipOperationName } from './operation-names.js';
import type { Process } from './process.js';

/** A call that may still lead to something. */
interface OpenCall {
  readonly process: Process;
  readonly names: ReadonlySet<NodeId>;
}

/**
 * Operators who add servers, remove them, and wipe who is gone for good. They follow the rules: a server keeps its
 * disk until no configuration can count on it again, and whoever starts with an empty disk has an id that nobody had.
 */
export class Churn {
  readonly history: ChangeHistory;
  readonly #open = new Set<OpenCall>();
  #marks = 0;

  constructor(private readonly cluster: SimulatedCluster) {
    this.history = new ChangeHistory(cluster.invariants.log.configurations.committed);
  }

  /** Asks for a change, or two; false when there is nobody to do it to. */
  change(name: MembershipOperationName, asked: Asked, dice: Dice): boolean {
    if (this.cluster.servers.some(({ isRotten }) => isRotten)) return false; // first things first
    if (name !== 'two changes at once') return this.#ask(MEMBERSHIP_CHANGES[name], asked, dice);
    const [one, other] = dice.shuffled([MEMBERSHIP_CHANGES.move, MEMBERSHIP_CHANGES.remove, MEMBERSHIP_CHANGES.replace, MEMBERSHIP_CHANGES['add voters']]);
    const isFirstAsked = one !== undefined && this.#ask(one, asked, dice);
    return isFirstAsked && other !== undefined && this.#ask(other, asked, dice);
  }

  /** Has a server that refuses to start replaced by a new one, or wipes it once it is gone for good. */
  repair(asked: Asked, dice: Dice): void {
    const rotten = this.cluster.servers.find(({ isRotten, isRetired }) => isRotten && !isRetired);
    if (rotten === undefined) return;
    const { id } = rotten;
    if (this.#isGoneForGood(id)) rotten.retire();
    else this.#ask((view) => replacement(view, id), asked, dice);
  }

  /** Whether nobody waits for a change, and none that was begun may come to pass. */
  get isSettled(): boolean {
    return this.cluster.invariants.log.configurations.isSettled && ![...this.#open].some(({ process }) => process.isAlive);
  }

  /** Stops a server that is gone for good and wipes it; false when there is none. */
  retire(dice: Dice): boolean {
    const gone = this.cluster.servers.filter((server) => !server.isRetired && this.#isGoneForGood(server.id));
    if (gone.length === 0) return false;
    dice.pick(gone).retire();
    return true;
  }

  #ask(make: (view: MembershipView) => WantedChange | null, { server, run, follow }: Asked, dice: Dice): boolean {
    const { effective: configuration, effectiveIndex: index } = run.node.metrics.value.membership;
    const mark = `#${(this.#marks += 1)}`;
    const { nodes, plan } = this.cluster;
    const wanted = make({
      dice,
      asked: server.id,
      configuration,
      index,
      outsiders: (atMost) => this.#outsiders(membersOf(configuration), atMost, dice),
      describe: (id) => ({ address: id + mark, ...(plan.hasPriorities ? { priority: dice.whole(0, 2) } : {}) }),
      minVoters: dice.chance(0.1) ? 1 : Math.min(3, nodes),
    });
    if (wanted === null || !this.#areThere(namesIn(wanted.change))) return false;
    const { change, marked, expected = null } = wanted;
    const call: MembershipCall = { node: server.id, change, mark: marked === null ? null : marked + mark, expected };
    const open: OpenCall = { process: run.process, names: namesIn(change) };
    this.#open.add(open);
    const timeoutMs = dice.pick([20, 500, 2000, 5000]);
    this.cluster.note(`${server.id} is asked for ${JSON.stringify(change)}${expected === null ? '' : `, if the configuration is at ${expected}`}`);
    follow('changeMembership', run.node.changeMembership(change, { timeoutMs, ...(expected === null ? {} : { expected }) }), {
      done: (answer) => {
        this.#open.delete(open);
        this.cluster.guard(() => this.history.doneChangesAreCommitted(call, answer));
      },
      isLawful: (error) => {
        this.#open.delete(open);
        if (isRefusal(error)) this.history.noteRefused(call, error instanceof Error ? error.message : String(error));
        return error instanceof MembershipChangeError || isRefusal(error);
      },
    });
    return true;
  }

  /** Servers that are not among the members and not gone: with a new one if there is room. */
  #outsiders(members: readonly NodeId[], atMost: number, dice: Dice): NodeId[] {
    const { cluster } = this;
    const found = cluster.servers.filter(({ id, isRetired }) => !isRetired && !members.includes(id)).map(({ id }) => id);
    if (cluster.servers.length < cluster.nodes + cluster.plan.spareServers && (found.length === 0 || dice.chance(0.3))) {
      const server = cluster.addServer();
      server.boot();
      found.push(server.id);
    }
    return dice.shuffled(found).slice(0, atMost);
  }

  /** Whether nobody is named who is gone: an operator with an outdated view must not call for a server that was wiped. */
  #areThere(names: ReadonlySet<NodeId>): boolean {
    const { servers, hasEverBeen } = this.cluster;
    return [...names].every((id) => !hasEverBeen(id) || servers.some((server) => server.id === id && !server.isRetired));
  }

  /** No configuration has it that is committed or that may yet be, and nobody is asking for one. */
  #isGoneForGood(id: NodeId): boolean {
    const { configurations } = this.cluster.invariants.log;
    if (configurations.committed.length === 0 || configurations.mayCount(id)) return false;
    return ![...this.#open].some(({ process, names }) => process.isAlive && names.has(id));
  }
}

/** Every server that the change speaks of. */
function namesIn(change: WantedChange['change']): Set<NodeId> {
  const lists = 'voters' in change ? [change.voters, change.learners, keysOf(change.nodes)] : [change.promote, change.demote, change.remove, keysOf(change.add), keysOf(change.setAddress)];
  return new Set(lists.flatMap((list) => list ?? []));
}

function keysOf(table: Readonly<Record<NodeId, unknown>> = {}): NodeId[] {
  return Object.keys(table);
}

/** Whether the error says that nothing has happened and nothing will. */
function isRefusal(error: unknown): boolean {
  return error instanceof NotLeaderError || error instanceof StoppedError || (error instanceof MembershipChangeError && error.outcome === 'refused');
}
