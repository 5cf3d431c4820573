import type { LogIndex } from '../../core/ids.js';
import type { Applied } from '../../node/raft-node.js';
import type { SessionResult } from '../../node/sessions/index.js';
import { assertLinearizable, LinearizabilityError } from '../linearizability/check.js';
import { History, type CallHandle } from '../linearizability/history.js';
import type { AnyMachine } from '../simulation/simulated-machine.js';
import { textOf, type Effects } from './effects.js';
import { InvariantViolation, must } from './violation.js';

/** A command, from the first attempt to the last answer. */
export interface CommandCall {
  readonly name: string;
  readonly client: string;
  readonly id: number;
  readonly command: unknown;
  /** What every client together had seen acknowledged when this call began: it must come after that. */
  readonly floor: LogIndex;
  readonly handle: CallHandle<unknown>;
}

/** A query that is to see everything that was acknowledged before it was asked. */
export interface QueryCall {
  readonly name: string;
  readonly client: string;
  readonly query: unknown;
  readonly floor: LogIndex;
  readonly handle: CallHandle<unknown> | null;
}

/** A query that was answered when so much was committed: one of the states from `floor` to `ceiling` gives the answer. */
interface AnsweredQuery extends QueryCall {
  readonly ceiling: LogIndex;
  readonly answer: unknown;
}

/**
 * What clients of a machine were told, held against what its commands did; at the end the log is replayed on a machine
 * of its own, and the whole history is given to the linearizability checker.
 */
export class MachineHistory {
  readonly #history = new History<unknown, unknown>();
  /** Commands whose callers were told nothing yet. */
  readonly #open = new Map<number, CommandCall>();
  readonly #refused = new Map<number, string>();
  readonly #queries: AnsweredQuery[] = [];
  #seen: LogIndex = 0;
  #nextId = 1;

  constructor(
    private readonly machine: AnyMachine,
    private readonly effects: Effects,
    /** How much is committed. */
    private readonly committedThrough: () => LogIndex,
  ) {
    // Without this bound every call whose answer is late or lost overlaps all that begin meanwhile, and the search for an order has no end.
    effects.onEffect = (id) => this.#open.get(id)?.handle.tookEffect();
  }

  beginCommand(client: string, command: unknown, name: string): CommandCall {
    const call: CommandCall = { name, client, id: this.#nextId++, command, floor: this.#seen, handle: this.#history.begin(client, command) };
    this.#open.set(call.id, call);
    return call;
  }

  /** @param isRecorded false for a read that may see the past. */
  beginQuery(client: string, query: unknown, isRecorded: boolean): QueryCall {
    return { name: 'read', client, query, floor: this.#seen, handle: isRecorded ? this.#history.begin(client, query) : null };
  }

  /** A command was acknowledged: it took effect where the answer says, once, after whatever was acknowledged before it began. */
  acknowledged(call: CommandCall, { index, value }: Pick<Applied<unknown>, 'index' | 'value'>): void {
    const { id, client, floor, handle } = call;
    this.#open.delete(id);
    handle.done(value);
    const real = this.effects.indexOf(id);
    must(real === index, 'acknowledged proposals are never lost', () => `${client} is told that command ${id} was applied at ${index}; it was at ${String(real)}`);
    must(index <= this.committedThrough(), 'nothing uncommitted is seen', () => `${client} is told of index ${index}, committed is ${this.committedThrough()}`);
    must(index > floor, 'writes take effect after what was seen before they began', () => `command ${id} of ${client} is at ${index}; ${floor} had been seen when it was proposed`);
    const result = this.#valueAt(index);
    must(this.effects.isSame(result, value), 'results are those of the log', () => `${client} is answered ${textOf(value)} to command ${id}, applied at ${index} with ${textOf(result)}`);
    this.#seen = Math.max(this.#seen, index);
  }

  /** The caller was told that the command did not and will not take effect. */
  refused(call: CommandCall, words: string): void {
    this.#open.delete(call.id);
    this.#refused.set(call.id, words);
    call.handle.failed();
  }

  answered(call: QueryCall, answer: unknown): void {
    if (call.handle === null) return;
    call.handle.done(answer);
    this.#queries.push({ ...call, answer, ceiling: this.committedThrough() });
  }

  unanswered(call: QueryCall): void {
    call.handle?.failed();
  }

  /** When everything has stopped: what the log says of calls that nobody heard of again completes the history, which must be linearizable. */
  async check(): Promise<void> {
    for (const [id, words] of this.#refused) {
      const index = this.effects.indexOf(id);
      must(index === undefined, 'refused proposals never take effect', () => `command ${id} took effect at ${String(index)}, its caller was told: ${words}`);
    }
    for (const { id, handle } of this.#open.values()) {
      const index = this.effects.indexOf(id);
      if (index === undefined) handle.failed();
      else handle.happened(this.#valueAt(index));
    }
    await this.#replay();
    const { model } = this.machine;
    if (model === undefined) return;
    try {
      assertLinearizable(model, this.#history.calls);
    } catch (error) {
      throw error instanceof LinearizabilityError ? new InvariantViolation('histories are linearizable', error.message) : error;
    }
  }

  /** What the checker got, by kind, and how many of these calls nobody was told the fate of; and the log's repeats. */
  get checked(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const add = (kind: string, times = 1): void => void counts.set(kind, (counts.get(kind) ?? 0) + times);
    for (const { operation, outcome } of this.machine.model === undefined ? [] : this.#history.calls) {
      add(this.machine.kindOf?.(operation) ?? 'call');
      if (outcome.type === 'open' || outcome.at === Infinity) add('among them, never answered');
    }
    if (this.effects.repeats > 0) add('command that stood in the log again', this.effects.repeats);
    return counts;
  }

  /** A machine that never crashes gives the same results, and every answer at some moment while the query was asked. */
  async #replay(): Promise<void> {
    const machine = this.machine.create();
    await machine.reset();
    const waiting = this.#queries.toSorted((a, b) => b.floor - a.floor);
    let asked: AnsweredQuery[] = [];
    const effects = this.effects.inOrder();
    for (let place = -1; place < effects.length; place += 1) {
      const effect = effects[place];
      if (effect !== undefined) {
        const { index } = effect;
        const [result] = await machine.apply([effect]);
        must(this.effects.isSame(result, this.#valueAt(index)), 'the machine is deterministic', () => `replayed, entry ${index} gives ${textOf(result)}; it gave ${textOf(this.#valueAt(index))}`);
      }
      const next = effects[place + 1]?.index ?? Infinity;
      for (let last = waiting.at(-1); last !== undefined && last.floor < next; last = waiting.at(-1)) {
        asked.push(last);
        waiting.pop();
      }
      const still: AnsweredQuery[] = [];
      for (const query of asked) {
        if (this.effects.isSame(await machine.query?.(query.query), query.answer)) continue;
        must(query.ceiling >= next, 'reads see all earlier writes (thesis §6.4)', () => `${query.client} is answered ${textOf(query.answer)} to ${textOf(query.query)}; no state from ${query.floor} to ${query.ceiling} gives that`);
        still.push(query);
      }
      asked = still;
    }
  }

  #valueAt(index: LogIndex): unknown {
    const result = this.effects.resultAt(index) as SessionResult<unknown> | undefined;
    return result?.type === 'applied' ? result.value : undefined;
  }
}
