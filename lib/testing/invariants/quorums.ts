import type { Configuration } from '../../core/configuration.js';
import type { RaftEventBody } from '../../core/events.js';
import type { LogId, NodeId, Term } from '../../core/ids.js';
import type { TurnOutput } from '../../core/output.js';
import type { CoreStatus } from '../../core/status.js';
import { decisionsOverlap, isQuorum, textOf } from './agreed-configurations.js';
import type { AgreedLog } from './agreed-log.js';
import type { RunRecord, ServerRecord } from './server-record.js';
import { must } from './violation.js';

/** A run, as far as it decides. */
type Deciding = Pick<RunRecord, 'inForce' | 'log'>;

/** What needs a quorum, and in which configuration: always the one in force on the server that decides, at that moment (thesis §4.1). */
export class Quorums {
  /** The configuration in which a leader counted the last entry that is committed. */
  #decidedIn: Configuration | null = null;

  constructor(
    private readonly log: AgreedLog,
    private readonly servers: ReadonlyMap<NodeId, ServerRecord>,
  ) {}

  /** Follows the configuration in force through a turn, and checks who is elected and what is committed in it. */
  observeTurn(server: ServerRecord, run: Deciding, before: Pick<CoreStatus, 'role'> | null, { output }: { readonly output: Pick<TurnOutput, 'events'> }): void {
    let isLeader = before?.role === 'leader';
    for (const event of output.events) {
      if (event.type === 'MembershipAppended') decisionsOverlap(server.id, run.inForce, event);
      run.inForce = configurationAfter(run.inForce, event);
      if (event.type === 'LeadershipAcquired') {
        isLeader = true;
        this.#isElectedByAQuorum(server, run.inForce, event.term);
      } else if (event.type === 'LeadershipLost') {
        isLeader = false;
      } else if (event.type === 'CommitAdvanced') {
        this.#commitsAgree(server.id, run, event);
        if (isLeader) this.#commitsAreDurable(server.id, run.inForce, event);
      }
    }
  }

  /**
   * Every committed entry is durable where it must be; holds at any time, and after everything has crashed above all.
   *
   * Where that is: the last entry is on a quorum of the configuration in which it was counted, since disks lose
   * nothing and who counted there is not wiped before a later configuration is committed. That one is the newest committed
   * configuration or the one appended after it, and of whichever pair `decisionsOverlap` allows, it takes a majority of the
   * newest committed one's `voters`: so the next leader, whether it knows of the later configuration or not, meets it.
   *
   *     joint {a b c from x y z} committed, {a b c} appended, counted in {a b c}:  on two of a b c, on no x y z.
   */
  committedEntriesSurvive(): void {
    const property = 'committed entries survive (§5.4)';
    const last = this.log.committed[this.log.commitIndex - 1];
    if (last === undefined) return;
    const { configuration } = this.log.configurations.newest;
    if (this.#decidedIn !== null) this.#isOnAQuorum(property, this.#decidedIn, last);
    if (configuration.voters.length > 0) this.#isOnAQuorum(property, { ...configuration, votersOutgoing: [] }, last);
  }

  /** State Machine Safety (§5.4.3), before anything is applied: whoever commits an index commits the same entry. */
  #commitsAgree(id: NodeId, run: Deciding, event: { readonly from: number; readonly to: LogId; readonly term: Term }): void {
    for (let index = event.from + 1; index <= event.to.index; index += 1) {
      this.log.noteCommitted('State Machine Safety (§5.4.3)', id, index, run.log.at(index), event.term);
    }
  }

  /** §5.3, §5.4.2, §6: what a leader commits is of its own term and on the disks of a quorum at that moment. */
  #commitsAreDurable(id: NodeId, inForce: Configuration, { to, term }: { readonly to: LogId; readonly term: Term }): void {
    const property = 'commits are of the own term and durable on a majority (§5.3, §5.4.2)';
    must(to.term === term, property, () => `${id}, leader of term ${term}, commits ${to.index} of term ${to.term} by counting`);
    this.#isOnAQuorum(property, inForce, to);
    if (to.index >= this.log.commitIndex) this.#decidedIn = inForce;
  }

  /** §5.2, §6: a leader has the votes of a majority, of both while its configuration is joint. Who gave one, and itself on its disk, is on record. */
  #isElectedByAQuorum({ id, image }: ServerRecord, inForce: Configuration, term: Term): void {
    const { hardState } = image;
    const hasVoteOf = (voter: NodeId): boolean =>
      voter === id ? hardState.term === term && hardState.votedFor === id : this.servers.get(voter)?.votes.get(term) === id;
    must(isQuorum(inForce, hasVoteOf), 'leaders are elected by a majority (§5.2, §6)', () => `${id} becomes leader of term ${term} in ${textOf(inForce)} without the votes of a majority`);
  }

  #isOnAQuorum(property: string, configuration: Configuration, { index, term }: LogId): void {
    const isHolder = (id: NodeId): boolean => this.#isDurableOn(this.servers.get(id), { index, term });
    must(isQuorum(configuration, isHolder), property, () => {
      const holders = [...this.servers.keys()].filter(isHolder);
      return `entry ${index} of term ${term} is on the disks of ${holders.join(', ') || 'nobody'} alone, in ${textOf(configuration)}`;
    });
  }

  /** As an entry, or as part of a snapshot of what is committed. */
  #isDurableOn(server: ServerRecord | undefined, { index, term }: LogId): boolean {
    if (server === undefined) return false;
    if (index <= server.image.compacted.index) return this.log.committed[index - 1]?.term === term;
    return server.durable(index)?.term === term;
  }
}

/** Thesis §4.1: "the new configuration takes effect on each server as soon as it is added to that server's log". */
function configurationAfter(inForce: Configuration, event: RaftEventBody): Configuration {
  switch (event.type) {
    case 'NodeStarted':
    case 'MembershipAppended':
    case 'MembershipReverted':
    case 'SnapshotInstalled':
      return event.configuration;
    default:
      return inForce;
  }
}
