import type { Entry } from '../../core/entry.js';
import type { LogIndex, NodeId } from '../../core/ids.js';
import type { Applied } from '../../node/raft-node.js';
import { commandCodec } from '../simulation/journal-machine.js';
import { after, EMPTY, type JournalCommand, type JournalState } from '../simulation/journal-state.js';
import { must } from './violation.js';

/** One call of a client, from the call to its end. */
export interface ClientCall {
  readonly name: string;
  readonly node: NodeId;
  /** Null for a read. */
  readonly command: JournalCommand | null;
  /** What every client together had seen when this call began: it must come after that. */
  readonly floor: LogIndex;
}

/**
 * What clients were told, held against what was committed. Every write and every read names the index at which
 * it took effect; the log's order is the order of effects, so the history is linearizable exactly when calls that
 * follow one another in time have growing indexes and every result is the one that the log gives at its index.
 */
export class ClientHistory {
  /** The highest index that any client has seen the effect of. */
  #seen: LogIndex = 0;
  /** The journal after each committed entry; `#states[i]` is after index `i`. */
  readonly #states: JournalState[] = [EMPTY];
  readonly #indexOf = new Map<number, LogIndex>(); // by the command's id
  /** Commands whose caller was told that they did not happen, with the words. */
  readonly #refused = new Map<number, string>();

  /**
   * @param committed the log that the cluster has agreed on; grows.
   * @param areLeasesSafe whether a lease read must see what a linearizable one must.
   */
  constructor(
    private readonly committed: readonly Entry[],
    private readonly areLeasesSafe: boolean,
  ) {}

  get highestSeen(): LogIndex {
    return this.#seen;
  }

  begin(node: NodeId, command: JournalCommand | null): ClientCall {
    return { name: command === null ? 'read' : 'propose', node, command, floor: this.#seen };
  }

  /** A write was acknowledged: it is committed at that index, after everything that was acknowledged before it began. */
  acknowledgedWritesAreCommitted({ node, command, floor }: ClientCall, { index, term, value }: Applied<JournalState>): void {
    const property = 'acknowledged proposals are never lost';
    const entry = this.committed[index - 1];
    must(entry?.term === term && entry.kind === 'command', property, () => `${node} acknowledges command ${String(command?.id)} at ${index} of term ${term}; committed there is ${describe(entry)}`);
    must(commandCodec.decode(entry.payload).id === command?.id, property, () => `${node} acknowledges command ${String(command?.id)} at ${index}; committed there is ${describe(entry)}`);
    const real = this.#stateAt(index);
    must(isSameState(real, value), 'results are those of the log', () => `${node} answers command ${command.id} with ${JSON.stringify(value)}, the log gives ${JSON.stringify(real)}`);
    must(index > floor, 'writes take effect after what was seen before they began', () => `${node} puts command ${command.id} at ${index}; ${floor} had been seen when it was proposed`);
    this.#seen = Math.max(this.#seen, index);
  }

  /** A linearizable read (thesis §6.4) sees everything that was acknowledged, or seen by another read, before it began. */
  readsSeeAllEarlierWrites({ node, floor }: ClientCall, answer: JournalState, consistency: 'linearizable' | 'lease' | 'stale'): void {
    const real = this.#stateAt(answer.index);
    must(isSameState(real, answer), 'reads answer from a prefix of the log', () => `${node} answers ${JSON.stringify(answer)}, the log gives ${JSON.stringify(real)}`);
    if (consistency === 'stale' || (consistency === 'lease' && !this.areLeasesSafe)) return;
    const needed = this.#stateAt(floor).index;
    must(answer.index >= needed, 'reads see all earlier writes (thesis §6.4)', () => `${node} answers a ${consistency} read as of ${answer.index}; ${needed} had been acknowledged or read before it began`);
    this.#seen = Math.max(this.#seen, answer.index);
  }

  /** State Machine Safety (§5.4.3) across snapshots: what one holds is what applying the log through its last entry gives. */
  snapshotsEqualThePrefix(server: NodeId, last: LogIndex, restored: JournalState): void {
    const real = this.#stateAt(last);
    must(isSameState(real, restored), 'a snapshot is the state that its prefix of the log gives (§7)', () => `${server} is restored to ${JSON.stringify(restored)} by a snapshot through ${last}, the log gives ${JSON.stringify(real)}`);
  }

  /** The caller was told that the command did not and will not take effect. */
  noteRefused({ command }: ClientCall, words: string): void {
    if (command !== null) this.#refused.set(command.id, words);
  }

  /** At the end: nothing that was refused is in the log, and nothing is there twice. */
  refusedNeverHappenedAndNothingHappenedTwice(): void {
    this.#extend(this.committed.length);
    for (const [id, words] of this.#refused) {
      const index = this.#indexOf.get(id);
      must(index === undefined, 'refused proposals never take effect', () => `command ${id} is committed at ${String(index)}, its caller was told: ${words}`);
    }
  }

  #stateAt(index: LogIndex): JournalState {
    must(index <= this.committed.length, 'nothing uncommitted is seen', () => `index ${index} was seen, committed is ${this.committed.length}`);
    this.#extend(index);
    return this.#states[index] ?? EMPTY;
  }

  #extend(through: LogIndex): void {
    for (let index = this.#states.length; index <= through; index += 1) {
      const entry = this.committed[index - 1];
      const before = this.#states[index - 1] ?? EMPTY;
      if (entry?.kind !== 'command') {
        this.#states.push(before);
        continue;
      }
      const command = commandCodec.decode(entry.payload);
      const earlier = this.#indexOf.get(command.id);
      must(earlier === undefined, 'a proposal takes effect once', () => `command ${command.id} is committed at ${String(earlier)} and at ${index}`);
      this.#indexOf.set(command.id, index);
      this.#states.push(after(before, index, command));
    }
  }
}

function isSameState(a: JournalState, b: JournalState): boolean {
  return a.index === b.index && a.count === b.count && a.digest === b.digest;
}

function describe(entry: Entry | undefined): string {
  if (entry === undefined) return 'nothing';
  return entry.kind === 'command' ? `command ${commandCodec.decode(entry.payload).id} of term ${entry.term}` : `a ${entry.kind} of term ${entry.term}`;
}
