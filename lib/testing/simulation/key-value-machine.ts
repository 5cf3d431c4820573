import type { Codec } from '../../ports/codec.js';
import type { Committed, StateMachine } from '../../ports/state-machine.js';
import { keyValueModel, type KeyValueExpectation, type KeyValueOperation, type KeyValueResult } from '../linearizability/key-value-model.js';
import type { Dice } from './dice.js';
import { jsonCodec } from './journal-machine.js';
import type { SimulatedMachine } from './simulated-machine.js';

type Get = KeyValueOperation & { readonly type: 'get' };
type Write = Exclude<KeyValueOperation, Get>;

interface StoredValue {
  readonly value: string;
  /** The index of the entry that put it. */
  readonly revision: number;
}

/** Calls of many clients meet at few keys; more of them leave less for the checker to order. */
const KEYS = 12;
/** Few values, so that comparing with one often succeeds. */
const VALUES = 4;

/** A store of texts by key: the machine of those simulations whose clients have sessions. */
class KeyValueMachine implements StateMachine<Write, KeyValueResult, Get, KeyValueResult> {
  #entries = new Map<string, StoredValue>();

  apply(batch: readonly Committed<Write>[]): KeyValueResult[] {
    return batch.map(({ index, command }) => this.#write(command, index));
  }

  query({ key }: Get): KeyValueResult {
    return { type: 'entry', entry: this.#entries.get(key) ?? null };
  }

  snapshot(): AsyncIterable<Uint8Array> {
    const bytes = jsonCodec.encode([...this.#entries]);
    return (async function* () {
      yield bytes;
    })();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const read: number[] = [];
    for await (const chunk of chunks) read.push(...chunk);
    this.#entries = new Map(jsonCodec.decode(Uint8Array.from(read)) as [string, StoredValue][]);
  }

  reset(): void {
    this.#entries = new Map();
  }

  #write(command: Write, index: number): KeyValueResult {
    const { key, expect } = command;
    const before = this.#entries.get(key);
    if (!isMet(expect, before)) return { type: 'conflict', revision: before?.revision ?? null };
    if (command.type === 'delete') return { type: 'deleted', existed: this.#entries.delete(key) };
    this.#entries.set(key, { value: command.value, revision: index });
    return { type: 'stored', revision: index, created: before === undefined };
  }
}

function isMet(expect: KeyValueExpectation | undefined, before: StoredValue | undefined): boolean {
  if (expect === undefined) return true;
  if (expect === 'absent') return before === undefined;
  if (before === undefined) return false;
  if (expect === 'present') return true;
  return 'value' in expect ? before.value === expect.value : expect.includes(before.revision);
}

/** The store with its clients: puts, deletes, both under an expectation, and gets; checked for linearizability key by key. */
export const simulatedKeyValue: SimulatedMachine<Write, KeyValueResult, Get, KeyValueResult> = Object.freeze({
  create: () => new KeyValueMachine(),
  nextCommand(dice: Dice): Write {
    const key = keyFrom(dice);
    const expect = dice.pick([null, null, 'absent', 'present', { value: valueFrom(dice) }, { value: valueFrom(dice) }] as const);
    const condition = expect === null ? {} : { expect };
    return dice.chance(0.25) ? { type: 'delete', key, ...condition } : { type: 'put', key, value: valueFrom(dice), ...condition };
  },
  nextQuery: (dice: Dice): Get => ({ type: 'get', key: keyFrom(dice) }),
  commandCodec: jsonCodec as Codec<Write>,
  valueCodec: jsonCodec,
  model: keyValueModel,
  kindOf: (operation: Get | Write) => (operation.type === 'get' || operation.expect === undefined ? operation.type : `${operation.type} under an expectation (cas)`),
});

function keyFrom(dice: Dice): string {
  return `k${dice.whole(1, KEYS)}`;
}

function valueFrom(dice: Dice): string {
  return `v${dice.whole(1, VALUES)}`;
}
