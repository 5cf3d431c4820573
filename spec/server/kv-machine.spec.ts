import { stateMachineSuite } from '../../lib/testing/state-machine-suite.js';
import { KvMachine } from '../../lib/server/kv-machine.js';
import { KV_LIMITS, type KvAnswer, type KvCommand, type KvQuery, type KvResult } from '../../lib/server/kv/commands.js';

describe('KvMachine', () => {
  it('stores a value under the revision of the command that wrote it', async () => {
    const { machine, run } = setup();
    expect(run(put('a', 'one'))).toEqual({ type: 'stored', revision: 1, created: true });
    expect(run(put('a', 'two'))).toEqual({ type: 'stored', revision: 2, created: false });
    expect(await machine.query({ type: 'get', key: 'a' })).toEqual({ type: 'entry', index: 2, entry: { key: 'a', value: bytes('two'), revision: 2 } });
    expect(await machine.query({ type: 'get', key: 'b' })).toEqual({ type: 'entry', index: 2, entry: null });
  });

  it('deletes, and says whether there was something to delete', () => {
    const { run } = setup(put('a', 'one'));
    expect(run({ type: 'delete', key: 'a' })).toEqual({ type: 'deleted', existed: true });
    expect(run({ type: 'delete', key: 'a' })).toEqual({ type: 'deleted', existed: false });
    expect(run(put('a', 'again'))).toEqual({ type: 'stored', revision: 4, created: true });
  });

  it.each<[string, KvCommand, KvResult]>([
    ['absent holds for a missing key', put('new', '', 'absent'), { type: 'stored', revision: 3, created: true }],
    ['absent fails for a present key', put('a', '', 'absent'), { type: 'conflict', revision: 1 }],
    ['present holds for a present key', put('a', '', 'present'), { type: 'stored', revision: 3, created: false }],
    ['present fails for a missing key', put('new', '', 'present'), { type: 'conflict', revision: null }],
    ['a matching revision holds', put('a', '', [9, 1]), { type: 'stored', revision: 3, created: false }],
    ['another revision fails', put('b', '', [1]), { type: 'conflict', revision: 2 }],
    ['a revision fails for a missing key', put('new', '', [1]), { type: 'conflict', revision: null }],
    ['a delete expects too', { type: 'delete', key: 'a', expect: [2] }, { type: 'conflict', revision: 1 }],
    ['a delete whose revision matches deletes', { type: 'delete', key: 'a', expect: [1] }, { type: 'deleted', existed: true }],
  ])('compare-and-set: %s', (_, command, result) => {
    expect(setup(put('a', '1'), put('b', '2')).run(command)).toEqual(result);
  });

  it('a failed expectation changes nothing', async () => {
    const { machine, run } = setup(put('a', 'kept'));
    run(put('a', 'lost', [7]));
    expect(await machine.query({ type: 'get', key: 'a' })).toMatchObject({ entry: { value: bytes('kept'), revision: 1 } });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['another type', { type: 'increment', key: 'a' }],
    ['no key', { type: 'put', value: bytes('x') }],
    ['an empty key', put('', 'x')],
    ['a key that is not a text', { type: 'delete', key: 7 }],
    ['a key with a line break', put('a\nb', 'x')],
    ['a key with a lone surrogate', put('a\ud800', 'x')],
    ['a key of 1025 bytes', put('ä'.repeat(512) + 'x', 'x')],
    ['a value that is not bytes', { type: 'put', key: 'a', value: 'x' }],
    ['a value over the bound', { type: 'put', key: 'a', value: new Uint8Array(KV_LIMITS.maxValueBytes + 1) }],
    ['an unknown expectation', { ...put('a', 'x'), expect: 'maybe' }],
    ['an empty list of revisions', put('a', 'x', [])],
    ['a revision that is no integer', put('a', 'x', [1.5])],
    ['too many revisions', put('a', 'x', Array.from({ length: 17 }, (_, i) => i + 1))],
  ])('refuses %s as a result, without throwing and without a change', async (_, command) => {
    const { machine, run } = setup(put('kept', 'yes'));
    expect(run(command as KvCommand)).toMatchObject({ type: 'refused', reason: expect.any(String) as string });
    expect(await stats(machine)).toMatchObject({ keys: 1, index: 2 });
  });

  it.each<unknown>([null, {}, { type: 'get' }, { type: 'scan' }, list({ limit: 0 }), list({ limit: 1001 }), list({ prefix: 7 as unknown as string }), list({ after: '' }), list({ values: 1 as unknown as boolean })])(
    'refuses the malformed query %j',
    async (query) => {
      expect(await setup().machine.query(query as KvQuery)).toMatchObject({ type: 'refused' });
    },
  );

  it('lists by prefix in key order, page after page', async () => {
    const { machine } = setup(...['b', 'a/3', 'a/1', 'a/2', 'a', 'a0'].map((key) => put(key, key)));
    const first = await page(machine, list({ prefix: 'a/', limit: 2, values: true }));
    expect(first.entries).toEqual([
      { key: 'a/1', revision: 3, bytes: 3, value: bytes('a/1') },
      { key: 'a/2', revision: 4, bytes: 3, value: bytes('a/2') },
    ]);
    expect(first.next).toBe('a/2');
    const second = await page(machine, list({ prefix: 'a/', after: first.next, limit: 2 }));
    expect(second.entries).toEqual([{ key: 'a/3', revision: 2, bytes: 3, value: null }]);
    expect(second.next).toBeNull();
  });

  it.each<[string | null, string[]]>([
    [null, ['a', 'b', 'c']],
    ['A', ['a', 'b', 'c']],
    ['a', ['b', 'c']],
    ['bb', ['c']],
    ['c', []],
  ])('lists what comes after %j', async (after, keys) => {
    const { machine } = setup(put('c', ''), put('a', ''), put('b', ''));
    expect((await page(machine, list({ after }))).entries.map((e) => e.key)).toEqual(keys);
  });

  it('a page of values ends at its byte bound, and the next one goes on from there', async () => {
    const value = new Uint8Array(400_000);
    const { machine } = setup(...['a', 'b', 'c', 'd'].map((key): KvCommand => ({ type: 'put', key, value })));
    const first = await page(machine, list({ values: true }));
    expect(first.entries.map((e) => e.key)).toEqual(['a', 'b']);
    expect((await page(machine, list({ values: true, after: first.next }))).entries.map((e) => e.key)).toEqual(['c', 'd']);
  });

  it('the checksum is equal after equal commands and differs otherwise', async () => {
    const commands = [put('a', '1'), put('b', '2'), put('a', '3')];
    const [one, two, three] = [setup(...commands), setup(...commands), setup(put('a', '1'), put('b', '2'), put('a', '4'))];
    expect(await stats(one.machine)).toEqual(await stats(two.machine));
    expect((await stats(three.machine)).sha256).not.toBe((await stats(one.machine)).sha256);
    expect(await stats(one.machine)).toMatchObject({ index: 3, keys: 2, bytes: 4 });
  });

  it('a snapshot shows the moment of the call, and restores it with counts and revisions', async () => {
    const { machine, run } = setup(put('a', '1'), put('b', '22'));
    const before = await stats(machine);
    const snapshot = machine.snapshot();
    run(put('a', 'later'));
    run({ type: 'delete', key: 'b' });
    const copy = new KvMachine();
    await copy.restore(snapshot);
    expect(await stats(copy)).toEqual(before);
    expect(await copy.query({ type: 'get', key: 'b' })).toMatchObject({ entry: { value: bytes('22'), revision: 2 } });
  });

  it('a damaged snapshot is refused and leaves the state as it was', async () => {
    const { machine } = setup(put('a', '1'));
    const before = await stats(machine);
    await expect(machine.restore(chunksOf(bytes('garbage that is long enough for a header')))).rejects.toThrow('not one of a key-value store');
    expect(await stats(machine)).toEqual(before);
  });

  it('reset forgets everything', async () => {
    const { machine } = setup(put('a', '1'));
    machine.reset();
    expect(await stats(machine)).toEqual(await stats(new KvMachine()));
  });

  it.each([4, 300])('keeps its own copy of a value of %i bytes that shares its buffer with others', async (length) => {
    const shared = new Uint8Array(1000).fill(7);
    const { machine } = setup({ type: 'put', key: 'a', value: shared.subarray(500, 500 + length) });
    shared.fill(0);
    expect(await machine.query({ type: 'get', key: 'a' })).toMatchObject({ entry: { value: new Uint8Array(length).fill(7) } });
  });

  it('takes over a value that has its buffer to itself, as decoded ones do', async () => {
    const value = new Uint8Array(300).fill(7);
    const { machine } = setup({ type: 'put', key: 'a', value });
    const answer = await machine.query({ type: 'get', key: 'a' });
    expect(answer.type === 'entry' && answer.entry?.value).toBe(value);
  });
});

describe('KvMachine keeps the contract of state machines', () => {
  const commands = [put('a', '1'), put('b', '2', 'absent'), put('a', '3', [1]), put('a', '4', [1]), { type: 'delete', key: 'b' } as const, { type: 'delete', key: 'b' } as const, put('', 'refused'), put('c', 'x'.repeat(100_000))];
  const queries: KvQuery[] = [{ type: 'get', key: 'a' }, { type: 'get', key: 'b' }, list({ values: true }), { type: 'stats' }];
  for (const { name, run } of stateMachineSuite<KvCommand, KvResult, KvQuery, KvAnswer>({ create: () => new KvMachine(), commands, queries })) it(name, run);
});

function setup(...commands: KvCommand[]): { machine: KvMachine; run: (command: KvCommand) => KvResult | undefined } {
  const machine = new KvMachine();
  let index = 0;
  const run = (command: KvCommand): KvResult | undefined => machine.apply([{ index: (index += 1), term: 1, command }])[0];
  commands.forEach(run);
  return { machine, run };
}

function put(key: string, value: string, expectation?: 'absent' | 'present' | number[]): KvCommand {
  return { type: 'put', key, value: bytes(value), ...(expectation === undefined ? {} : { expect: expectation }) };
}

function list(options: Partial<KvQuery & { type: 'list' }>): KvQuery & { type: 'list' } {
  return { type: 'list', prefix: '', after: null, limit: 100, values: false, ...options };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function* chunksOf(...chunks: Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

async function page(machine: KvMachine, query: KvQuery): Promise<KvAnswer & { type: 'page' }> {
  const answer = await machine.query(query);
  if (answer.type !== 'page') throw new Error(`expected a page, got ${answer.type}`);
  return answer;
}

async function stats(machine: KvMachine): Promise<KvAnswer & { type: 'stats' }> {
  const answer = await machine.query({ type: 'stats' });
  if (answer.type !== 'stats') throw new Error(`expected stats, got ${answer.type}`);
  return answer;
}
