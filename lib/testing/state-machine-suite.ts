import assert from 'node:assert/strict';
import type { Committed, StateMachine } from '../ports/state-machine.js';
import type { ComplianceCase } from './compliance.js';

/** What the suite needs to know about a state machine. */
export interface StateMachineFixture<C, R, Q = never, A = never> {
  /** A machine that nothing has been applied to. Called several times a case. */
  create(): StateMachine<C, R, Q, A>;
  /** At least four commands; the more of the machine they reach the better. Applied as entries 1, 2, 3 … */
  readonly commands: readonly C[];
  /** Queries whose answers, taken together, tell two states apart. Without any, states are compared by their snapshots. */
  readonly queries?: readonly Q[];
  /** Set when equal states may have different snapshot bytes; then there must be queries. Default false. */
  readonly snapshotsMayDiffer?: boolean;
}

/**
 * The contract of `StateMachine` as checks that any implementation should pass.
 *
 * @example
 * for (const { name, run } of stateMachineSuite({ create: () => new Counter(), commands: [1, 2, 3, 4] })) test(name, run);
 */
export function stateMachineSuite<C, R, Q = never, A = never>(fixture: StateMachineFixture<C, R, Q, A>): readonly ComplianceCase[] {
  const machines = new Machines(fixture);
  return CASES.map(([name, check]) => ({ name, run: () => check(machines) }));
}

/** What the checks do, free of the machine's types. */
interface Bench {
  readonly size: number;
  /** A new machine that has been reset, as the node does before its first use. */
  fresh(): Promise<Subject>;
}

interface Subject {
  /** Applies the fixture's commands from place `from` up to `to`, `batch` at a time; gives the results. */
  apply(from: number, to: number, batch?: number): Promise<unknown[]>;
  applyNothing(): Promise<unknown[]>;
  /** All that can be seen of the state. */
  state(): Promise<unknown>;
  /** Begins a snapshot; the chunks are read when the result is called. */
  beginSnapshot(): () => Promise<readonly Uint8Array[]>;
  restore(chunks: readonly Uint8Array[]): Promise<void>;
  reset(): Promise<void>;
}

const CASES: readonly (readonly [string, (bench: Bench) => Promise<void>])[] = [
  ['applying gives one result for each command', async (bench) => {
    const machine = await bench.fresh();
    assert.equal((await machine.apply(0, bench.size)).length, bench.size);
    assert.equal((await machine.applyNothing()).length, 0);
  }],
  ['the same commands give the same results and the same state on every machine', async (bench) => {
    const [one, other] = [await bench.fresh(), await bench.fresh()];
    same(await one.apply(0, bench.size), await other.apply(0, bench.size), 'results');
    same(await one.state(), await other.state(), 'state');
  }],
  ['how commands are batched makes no difference', async (bench) => {
    const whole = await bench.fresh();
    const results = await whole.apply(0, bench.size);
    for (const batch of [1, 2, 3]) {
      const split = await bench.fresh();
      same(await split.apply(0, bench.size, batch), results, `results in batches of ${batch}`);
      same(await split.state(), await whole.state(), `state after batches of ${batch}`);
    }
  }],
  ['looking at the state does not change it', async (bench) => {
    const [looked, not] = [await bench.fresh(), await bench.fresh()];
    for (let place = 0; place < bench.size; place += 1) {
      same(await looked.apply(place, place + 1), await not.apply(place, place + 1), `result ${place}`);
      same(await looked.state(), await looked.state(), 'state seen twice');
    }
  }],
  ['a restored machine goes on exactly as the one that was saved', async (bench) => {
    for (const middle of new Set([0, 1, bench.size >> 1, bench.size])) {
      const original = await bench.fresh();
      await original.apply(0, middle);
      const restored = await bench.fresh();
      await restored.restore(await original.beginSnapshot()());
      same(await restored.state(), await original.state(), `state restored after ${middle} commands`);
      same(await restored.apply(middle, bench.size), await original.apply(middle, bench.size), `results after a restore at ${middle}`);
      same(await restored.state(), await original.state(), `state some commands after a restore at ${middle}`);
    }
  }],
  ['a snapshot holds the state of the moment of the call, however late it is read', async (bench) => {
    const middle = bench.size >> 1;
    const [machine, expected, restored] = [await bench.fresh(), await bench.fresh(), await bench.fresh()];
    await machine.apply(0, middle);
    await expected.apply(0, middle);
    const read = machine.beginSnapshot();
    await machine.apply(middle, bench.size);
    await restored.restore(await read());
    same(await restored.state(), await expected.state(), 'state in the snapshot');
  }],
  ['commands that are applied while a snapshot is read do not show in it', async (bench) => {
    const middle = bench.size >> 1;
    const [machine, expected, restored] = [await bench.fresh(), await bench.fresh(), await bench.fresh()];
    await machine.apply(0, middle);
    await expected.apply(0, middle);
    const reading = machine.beginSnapshot()();
    for (let place = middle; place < bench.size; place += 1) await machine.apply(place, place + 1);
    await restored.restore(await reading);
    same(await restored.state(), await expected.state(), 'state in the snapshot');
  }],
  ['two snapshots may be read at once', async (bench) => {
    const machine = await bench.fresh();
    const first = machine.beginSnapshot();
    await machine.apply(0, bench.size);
    const second = machine.beginSnapshot();
    const [early, late] = await Promise.all([first(), second()]);
    const [empty, full] = [await bench.fresh(), await bench.fresh()];
    await empty.restore(early);
    await full.restore(late);
    same(await empty.state(), await (await bench.fresh()).state(), 'state in the earlier snapshot');
    same(await full.state(), await machine.state(), 'state in the later snapshot');
  }],
  ['restoring replaces whatever was there', async (bench) => {
    const middle = bench.size >> 1;
    const [source, target] = [await bench.fresh(), await bench.fresh()];
    await source.apply(0, middle);
    await target.apply(0, bench.size);
    await target.restore(await source.beginSnapshot()());
    same(await target.state(), await source.state(), 'state');
  }],
  ['a snapshot may arrive in pieces of any size', async (bench) => {
    const source = await bench.fresh();
    await source.apply(0, bench.size);
    const bytes = Buffer.concat(await source.beginSnapshot()());
    for (const size of [1, 7, bytes.length + 1]) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(new Uint8Array(bytes.subarray(at, at + size)));
      const target = await bench.fresh();
      await target.restore(pieces);
      same(await target.state(), await source.state(), `state from pieces of ${size} bytes`);
    }
  }],
  ['a reset machine is as good as new', async (bench) => {
    const [used, fresh] = [await bench.fresh(), await bench.fresh()];
    await used.apply(0, bench.size);
    await used.reset();
    same(await used.state(), await fresh.state(), 'state after the reset');
    same(await used.apply(0, bench.size), await fresh.apply(0, bench.size), 'results after the reset');
    same(await used.state(), await fresh.state(), 'state some commands after the reset');
  }],
];

class Machines<C, R, Q, A> implements Bench {
  readonly #fixture: StateMachineFixture<C, R, Q, A>;
  readonly #entries: readonly Committed<C>[];

  constructor(fixture: StateMachineFixture<C, R, Q, A>) {
    assert.ok(fixture.commands.length >= 4, `the fixture has ${fixture.commands.length} commands; at least 4 are needed`);
    const canTellApart = fixture.snapshotsMayDiffer !== true || (fixture.queries?.length ?? 0) > 0;
    assert.ok(canTellApart, 'a fixture whose snapshots may differ needs queries');
    this.#fixture = fixture;
    this.#entries = fixture.commands.map((command, place) => ({ index: place + 1, term: 1 + (place >> 2), command }));
  }

  get size(): number {
    return this.#entries.length;
  }

  async fresh(): Promise<Subject> {
    const machine = this.#fixture.create();
    await machine.reset();
    return {
      apply: (from, to, batch = to - from) => this.#apply(machine, from, to, batch),
      applyNothing: async () => [...(await machine.apply([]))],
      state: () => this.#state(machine),
      beginSnapshot: () => {
        const chunks = machine.snapshot();
        return () => collect(chunks);
      },
      restore: (chunks) => machine.restore(streamOf(chunks)),
      reset: async () => {
        await machine.reset();
      },
    };
  }

  async #apply(machine: StateMachine<C, R, Q, A>, from: number, to: number, batch: number): Promise<R[]> {
    const results: R[] = [];
    for (let at = from; at < to; at += batch) results.push(...(await machine.apply(this.#entries.slice(at, Math.min(at + batch, to)))));
    return results;
  }

  async #state(machine: StateMachine<C, R, Q, A>): Promise<unknown> {
    const { queries = [], snapshotsMayDiffer } = this.#fixture;
    const answers: A[] = [];
    for (const query of queries) {
      assert.ok(machine.query !== undefined, 'the fixture has queries, the machine has none');
      answers.push(await machine.query(query));
    }
    return snapshotsMayDiffer === true ? answers : [answers, Buffer.concat(await collect(machine.snapshot())).toString('hex')];
  }
}

/** A copy of each chunk, as a store would make it. */
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const copies: Uint8Array[] = [];
  for await (const chunk of chunks) copies.push(new Uint8Array(chunk));
  return copies;
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function same(actual: unknown, expected: unknown, what: string): void {
  assert.deepEqual(actual, expected, `${what} must be the same`);
}
