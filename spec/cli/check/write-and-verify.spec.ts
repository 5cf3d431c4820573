import { Acknowledgements } from '../../../lib/cli/check/failover.js';
import type { Outcome, Target } from '../../../lib/cli/check/target.js';
import { verifyAll, type VerifyReport } from '../../../lib/cli/check/verifier.js';
import { keyOf, valueOf, writeAll, type WriteReport } from '../../../lib/cli/check/writer.js';

describe('writeAll', () => {
  it('writes every key once, spread over all nodes, and reports the revisions', async () => {
    const store = new FakeStore();
    const written = await write(store, 30);
    expect(store.writes.size).toBe(30);
    expect(store.writes.get(keyOf(7))?.value).toBe(valueOf(7));
    expect(store.calls).toEqual({ a: 10, b: 10, c: 10 });
    expect([...written.revisions].sort((x, y) => x - y)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(written.retries.text).toBe('0 sent again');
  });

  it('sends what was not acknowledged again, to the next node', async () => {
    const store = new FakeStore();
    store.fails = (node, attempt) => (node === 'b' && attempt < 3 ? 'ECONNREFUSED' : null);
    const written = await write(store, 9);
    expect(store.writes.size).toBe(9);
    expect(written.retries.text).toBe('3 sent again (3 × ECONNREFUSED)');
    expect(store.calls['c']).toBe(6);
  });

  it('goes on from any key until it is enough, and through targets that come meanwhile', async () => {
    const store = new FakeStore();
    const targets = store.targets.slice(0, 1);
    const report = await writeAll(targets, {
      first: 100,
      keys: Infinity,
      isEnough: () => store.writes.size >= 10,
      clients: 1,
      signal: new AbortController().signal,
      now: () => 0,
      onAcknowledged: (count) => count === 5 && targets.push(...store.targets.slice(1)),
    });
    expect([...store.writes.keys()]).toEqual(Array.from({ length: 10 }, (_, i) => keyOf(100 + i)));
    expect(report.revisions).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(store.calls).toEqual({ a: 7, b: 2, c: 1 }); // from key 105 on by turns
  });

  it('ends when a write is refused for good', async () => {
    const store = new FakeStore();
    store.refuses = true;
    await expect(write(store, 9)).rejects.toThrow('node a refused to write check/00000000: 400 no');
  });

  it('ends when it is told to', async () => {
    const store = new FakeStore();
    store.fails = () => 'ECONNREFUSED';
    const stop = new AbortController();
    store.onCall = () => stop.abort(new Error('time is up'));
    await expect(write(store, 9, stop.signal)).rejects.toThrow('time is up');
  });
});

describe('verifyAll', () => {
  it('reads every key from every node', async () => {
    const store = new FakeStore();
    const report = await verify(store, await write(store, 20));
    expect(report).toMatchObject({ reads: 60, violations: [] });
  });

  it.each<[string, (store: FakeStore) => void, string]>([
    ['a lost write', (store) => store.writes.delete(keyOf(3)), 'check/00000003: acknowledged at revision 4, and not there'],
    ['another value', (store) => store.writes.set(keyOf(3), { value: 'wrong', revision: 4 }), `check/00000003: acknowledged as ${JSON.stringify(valueOf(3))}, and read as "wrong"`],
    ['an older revision', (store) => store.writes.set(keyOf(3), { value: valueOf(3), revision: 2 }), 'check/00000003: acknowledged at revision 4, and read at "2"'],
  ])('finds %s on each node', async (_, damage, violation) => {
    const store = new FakeStore();
    const written = await write(store, 5, undefined, 1);
    damage(store);
    expect((await verify(store, written)).violations).toEqual(['a', 'b', 'c'].map((node) => `node ${node}, ${violation}`));
  });

  it('a later revision of the same value is a write that was sent twice, and right', async () => {
    const store = new FakeStore();
    const written = await write(store, 5, undefined, 1);
    store.writes.set(keyOf(3), { value: valueOf(3), revision: 40 });
    expect((await verify(store, written)).violations).toEqual([]);
  });

  it('reads again what was not answered', async () => {
    const store = new FakeStore();
    const written = await write(store, 5);
    store.fails = (node, attempt) => (node === 'a' && attempt === 6 ? '503 no_leader' : null);
    const report = await verify(store, written);
    expect([report.reads, report.violations]).toEqual([15, []]);
  });
});

describe('Acknowledgements', () => {
  it('tells when so many came, and when one came that was sent after a moment', async () => {
    let now = 0;
    const acknowledgements = new Acknowledgements(() => now);
    const two = acknowledgements.reached(2);
    const late = acknowledgements.sentAfter(10);
    for (const [at, sentAt] of [[5, 1], [7, 2], [12, 9], [15, 10], [20, 11]] as const) {
      now = at;
      acknowledgements.note(acknowledgements.count + 1, sentAt);
    }
    expect([await two, await late]).toEqual([7, 20]);
  });
});

class FakeStore {
  readonly writes = new Map<string, { value: string; revision: number }>();
  readonly calls: Record<string, number> = { a: 0, b: 0, c: 0 };
  fails: (node: string, call: number) => string | null = () => null;
  refuses = false;
  onCall: () => void = () => undefined;
  #revision = 0;

  get targets(): readonly Target[] {
    return ['a', 'b', 'c'].map((id) => ({ id, put: (key, value) => this.#call(id, () => this.#put(key, value)), get: (key) => this.#call(id, () => this.#get(key)) }));
  }

  async #call(node: string, run: () => Outcome): Promise<Outcome> {
    const call = this.calls[node] ?? 0;
    this.calls[node] = call + 1;
    this.onCall();
    const why = this.fails(node, call);
    return why === null ? run() : { type: 'retry', why };
  }

  #put(key: string, value: string): Outcome {
    if (this.refuses) return answered(400, 'no');
    this.#revision += 1;
    this.writes.set(key, { value, revision: this.#revision });
    return answered(201, JSON.stringify({ key, revision: this.#revision }));
  }

  #get(key: string): Outcome {
    const found = this.writes.get(key);
    return found === undefined ? answered(404, '') : answered(200, found.value, `"${found.revision}"`);
  }
}

function answered(status: number, body: string, etag?: string): Outcome {
  return { type: 'answered', reply: { status, body: Buffer.from(body), headers: etag === undefined ? {} : { etag } } };
}

function write(store: FakeStore, keys: number, signal = new AbortController().signal, clients = 4): Promise<WriteReport> {
  return writeAll(store.targets, { keys, clients, signal, now: () => 0, onAcknowledged: () => undefined });
}

function verify(store: FakeStore, written: WriteReport): Promise<VerifyReport> {
  return verifyAll(store.targets, written, { clients: 2, signal: new AbortController().signal, onRead: () => undefined });
}
