import { msgpackCodec } from '../../../lib/codec/msgpack.js';
import { withSessions } from '../../../lib/node/sessions/with-sessions.js';
import type { SessionCommand } from '../../../lib/node/sessions/commands.js';
import type { Committed } from '../../../lib/ports/state-machine.js';
import { stateMachineSuite } from '../../../lib/testing/state-machine-suite.js';
import { ListMachine } from '../../support/list-machine.js';
import { close, keepAlive, open, plain, streamOf, word, WordMachine, type WordCommand } from '../../support/session-entries.js';

const refused = (reason: string) => ({ type: 'refused', reason });
const applied = (index: number, value: number) => ({ type: 'applied', index, term: 1, value });

/** Applies when it likes, as a machine on a disk would. */
class SlowList extends ListMachine {
  override async apply(batch: readonly Committed<string>[]): Promise<readonly number[]> {
    await Promise.resolve();
    return super.apply(batch);
  }
}

describe('the state machine suite, on a machine with sessions', () => {
  const commands: SessionCommand<string>[] = [
    open(10),
    word(1, 1, 'a', 20),
    word(1, 1, 'a', 25),
    plain('p'),
    open(30),
    word(5, 2, 'c', 40),
    word(5, 1, 'b', 40),
    word(1, 2, 'd', 45, 1),
    word(1, 1, 'a', 50),
    keepAlive(5, 1_020, 1),
    word(1, 3, 'e', 1_030),
    close(5, 1_040),
    word(5, 3, 'f', 1_050),
  ];
  for (const [kind, list] of [['at once', ListMachine], ['later', SlowList]] as const) {
    const create = () => withSessions(new list(), { resultCodec: msgpackCodec<number>(), sessionTimeoutMs: 990 });
    for (const { name, run } of stateMachineSuite({ create, commands, queries: ['all'] })) test(`${name} (one that applies ${kind})`, run);
  }
});

describe('a machine with sessions', () => {
  test('applies a command once, and gives every repeat the first result', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1));
    expect(await machine.one(word(1, 1, 'a'))).toEqual(applied(2, 1));
    expect(await machine.one(word(1, 2, 'b'))).toEqual(applied(3, 2));
    expect(await machine.one(word(1, 1, 'a'))).toEqual(applied(2, 1));
    expect(machine.words).toEqual(['a', 'b']);
  });

  test('a repeat in the same batch gets the result of the first one, of a machine that takes its time too', async () => {
    for (const list of [new ListMachine(), new SlowList()]) {
      const machine = new WordMachine({}, list);
      expect(await machine.apply(open(1), word(1, 1, 'a'), word(1, 1, 'a'), plain('p'), word(1, 1, 'a'))).toEqual([
        { type: 'opened', session: 1, sessionTimeoutMs: 300_000, maxResultsPerSession: 1_000 },
        applied(2, 1),
        applied(2, 1),
        applied(4, 2),
        applied(2, 1),
      ]);
      expect(machine.words).toEqual(['a', 'p']);
    }
  });

  test('a command without a session is applied as often as it is in the log', async () => {
    const machine = new WordMachine();
    await machine.apply(plain('p'), plain('p'));
    expect(machine.words).toEqual(['p', 'p']);
  });

  test('sessions are apart: the same sequence of another is another command', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), open(1), word(1, 1, 'a'), word(2, 1, 'b'));
    expect(machine.words).toEqual(['a', 'b']);
  });

  test('what a client has acknowledged is forgotten, and a late repeat of it is refused, not applied', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), word(1, 1, 'a'), word(1, 2, 'b', 0, 1));
    expect(await machine.one(word(1, 1, 'a'))).toEqual(refused('acknowledged'));
    expect(await machine.one(word(1, 2, 'b'))).toEqual(applied(3, 2));
    await machine.apply(keepAlive(1, 1, 2));
    expect(await machine.one(word(1, 2, 'b'))).toEqual(refused('acknowledged'));
    expect(machine.words).toEqual(['a', 'b']);
  });

  test('a command that its client gave up on before it was applied is refused when it arrives', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), word(1, 2, 'b', 0, 1));
    expect(await machine.one(word(1, 1, 'late'))).toEqual(refused('acknowledged'));
    expect(machine.words).toEqual(['b']);
  });

  test('no session keeps more than maxResultsPerSession results: a command further ahead is refused', async () => {
    const machine = new WordMachine({ maxResultsPerSession: 2 });
    await machine.apply(open(1), word(1, 1, 'a'), word(1, 2, 'b'));
    expect(await machine.one(word(1, 3, 'c'))).toEqual(refused('beyondWindow'));
    expect(await machine.one(word(1, 3, 'c', 0, 1))).toEqual(applied(5, 3));
    expect(machine.words).toEqual(['a', 'b', 'c']);
  });

  test('an acknowledgement of more than there ever was takes no time and does no harm', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), word(1, 1, 'a'), keepAlive(1, 1, Number.MAX_SAFE_INTEGER));
    expect(await machine.one(word(1, 2, 'b'))).toEqual(refused('acknowledged'));
  });

  test('a session expires when replicated time has moved on by more than its time-out, and not before', async () => {
    const machine = new WordMachine({ sessionTimeoutMs: 100 });
    await machine.apply(open(1_000), open(1_050));
    await machine.apply(keepAlive(2, 1_100));
    expect(await machine.one(word(1, 1, 'in time', 1_100))).toEqual(applied(4, 1));
    await machine.apply(keepAlive(2, 1_150));
    expect(await machine.one(word(1, 2, 'late', 1_201))).toEqual(refused('noSession'));
    expect(machine.notices).toEqual([
      { type: 'SessionOpened', session: 1 },
      { type: 'SessionOpened', session: 2 },
      { type: 'SessionExpired', session: 1, index: 6, reason: 'idle', idleMs: 101 },
    ]);
    expect(await machine.one(keepAlive(1, 1_201))).toEqual(refused('noSession'));
    expect(await machine.one(keepAlive(2, 1_201))).toEqual({ type: 'kept' });
    expect(machine.words).toEqual(['in time']);
  });

  test('replicated time never goes back: a proposer whose clock is behind expires nobody and saves nobody', async () => {
    const machine = new WordMachine({ sessionTimeoutMs: 100 });
    await machine.apply(open(1_000), open(1_000), keepAlive(2, 1_090), keepAlive(1, 500));
    expect(await machine.one(keepAlive(1, 1_190))).toEqual({ type: 'kept' }); // at 500 its clock was behind; the time was 1090
    expect(await machine.one(keepAlive(2, 1_191))).toEqual(refused('noSession'));
  });

  test('one session too many costs the longest idle one its place', async () => {
    const machine = new WordMachine({ maxSessions: 2 });
    await machine.apply(open(1), open(2), keepAlive(1, 5), open(7));
    expect(machine.notices.at(-2)).toEqual({ type: 'SessionExpired', session: 2, index: 4, reason: 'evicted', idleMs: 5 });
    expect(await machine.one(word(2, 1, 'x', 7))).toEqual(refused('noSession'));
    expect(await machine.one(word(1, 1, 'y', 7))).toEqual(applied(6, 1));
  });

  test('a closed session is gone; closing it again is as good', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), close(1));
    expect(await machine.one(close(1))).toEqual({ type: 'closed' });
    expect(await machine.one(word(1, 1, 'x'))).toEqual(refused('noSession'));
    expect(machine.notices).toEqual([
      { type: 'SessionOpened', session: 1 },
      { type: 'SessionClosed', session: 1, index: 2 },
    ]);
    expect(machine.words).toEqual([]);
  });

  test('what is no session command is refused, alike on every node, and never throws', async () => {
    const machine = new WordMachine();
    const hostile: unknown[] = [
      null,
      'x',
      7,
      {},
      { type: 'toString' },
      { type: 'openSession' },
      { type: 'openSession', wallTime: Infinity },
      { type: 'openSession', wallTime: NaN },
      { type: 'plain' },
      { ...word(1, 1, 'a'), sequence: 0 },
      { ...word(1, 1, 'a'), sequence: 1.5 },
      { ...word(1, 1, 'a'), ackedThrough: -1 },
      { ...word(1, 1, 'a'), session: '1' },
      { type: 'keepAlive', session: 1 },
      { type: 'closeSession', session: 1, wallTime: -1 },
    ];
    for (const each of hostile) expect(await machine.one(each as WordCommand)).toEqual(refused('malformed'));
    expect(machine.words).toEqual([]);
    expect(machine.notices).toEqual([]);
  });

  test('says of every applied entry whether its command had an effect, after a restore too', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), word(1, 1, 'a'), word(1, 1, 'a'), plain('p'), word(9, 1, 'x'), word(1, 2, 'b'));
    for (const each of [machine, await machine.restored()]) {
      expect([2, 3, 4, 5, 6].map((index) => each.machine.hasEffect(index))).toEqual([true, false, true, false, true]);
      expect(each.machine.effectsKnownFrom).toBe(0);
    }
  });

  test('of the oldest repeats it says that it has forgotten them', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), word(1, 1, 'a'));
    for (let i = 0; i < 8_192; i += 1) await machine.apply(word(1, 1, 'a'));
    expect(machine.machine.effectsKnownFrom).toBe(2 + 4_096 + 1);
    expect(machine.machine.hasEffect(2 + 4_096 + 1)).toBe(false);
    const restored = await machine.restored();
    expect(restored.machine.effectsKnownFrom).toBe(2 + 4_096 + 1);
    expect(restored.machine.hasEffect(2 + 8_192)).toBe(false);
  });

  test('a result that can\'t be encoded is given once; a repeat learns that it is lost', async () => {
    const codec = { encode: () => { throw new TypeError('no'); }, decode: () => 0 };
    const machine = new WordMachine({ resultCodec: codec });
    await machine.apply(open(1));
    expect(await machine.one(word(1, 1, 'a'))).toEqual(applied(2, 1));
    expect(await machine.one(word(1, 1, 'a'))).toEqual(refused('resultLost'));
    const restored = await machine.restored({ resultCodec: codec });
    expect(await restored.one(word(1, 1, 'a'))).toEqual(refused('resultLost'));
    expect(restored.words).toEqual(['a']);
  });

  test('what a caller does to a result changes no repeat', async () => {
    const machine = withSessions(
      { apply: (batch: readonly Committed<string>[]) => batch.map(() => ({ list: [1] })), snapshot: () => streamOf([]), restore: () => Promise.resolve(), reset: () => undefined },
      { resultCodec: msgpackCodec<{ list: number[] }>() },
    );
    const apply = async (index: number, command: SessionCommand<string>) => (await machine.apply([{ index, term: 1, command }]))[0];
    await apply(1, open(1));
    const first = await apply(2, word(1, 1, 'a'));
    if (first?.type === 'applied') first.value.list.push(2);
    expect(await apply(3, word(1, 1, 'a'))).toMatchObject({ value: { list: [1] } });
    expect(machine.query).toBeUndefined();
  });

  test('an inner machine that gives too few results is told so', async () => {
    const broken = withSessions(
      { apply: () => [], snapshot: () => streamOf([]), restore: () => Promise.resolve(), reset: () => undefined },
      { resultCodec: msgpackCodec<number>() },
    );
    expect(() => broken.apply([{ index: 1, term: 1, command: plain('x') }])).toThrow('gave 0 results for 1 commands');
  });

  test('limits are checked', () => {
    expect(() => new WordMachine({ sessionTimeoutMs: 0, maxSessions: 1.5 })).toThrow(/sessionTimeoutMs is 0; allowed: a whole number of at least 1\n.*maxSessions is 1.5/);
  });
});

describe('the snapshot of a machine with sessions', () => {
  test('holds sessions, results and time: repeats and expiry go on as before', async () => {
    const machine = new WordMachine({ sessionTimeoutMs: 100 });
    await machine.apply(open(1_000), open(1_000), word(1, 1, 'a', 1_050), word(1, 2, 'b', 1_050, 1));
    const restored = await machine.restored({ sessionTimeoutMs: 100 });
    expect(restored.notices).toEqual([]);
    expect(await restored.one(word(1, 2, 'b', 1_050))).toEqual(applied(4, 2));
    expect(await restored.one(word(1, 1, 'a', 1_050))).toEqual(refused('acknowledged'));
    expect(await restored.one(word(1, 3, 'c', 1_101))).toEqual(applied(7, 3));
    expect(restored.notices).toEqual([{ type: 'SessionExpired', session: 2, index: 7, reason: 'idle', idleMs: 101 }]);
  });

  test('streams: no chunk is much larger than 64 KiB, unless a single result is', async () => {
    const machine = new WordMachine();
    for (let i = 1; i <= 3_000; i += 1) await machine.apply(open(1));
    for (let i = 1; i <= 3_000; i += 1) await machine.apply(word(1 + (i % 3_000), 1, 'w'));
    const chunks = await machine.snapshot();
    expect(chunks.length).toBeGreaterThan(2);
    expect(Math.max(...chunks.slice(0, -1).map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
    const restored = await machine.restored();
    expect(await restored.snapshot()).toEqual(chunks);
  });

  test('carries results larger than a chunk', async () => {
    const echo = (): Parameters<typeof withSessions<string, string>>[0] => ({ apply: (batch) => batch.map(({ command }) => command), snapshot: () => streamOf([]), restore: async (chunks) => { for await (const chunk of chunks) expect(chunk.length).toBe(0); }, reset: () => undefined });
    const [one, other] = [withSessions(echo(), { resultCodec: msgpackCodec<string>() }), withSessions(echo(), { resultCodec: msgpackCodec<string>() })];
    const large = 'x'.repeat(200_000);
    await one.apply([open(1), word(1, 1, large), word(1, 2, 'small')].map((command, at) => ({ index: at + 1, term: 1, command })));
    await other.restore(one.snapshot());
    const again = await other.apply([word(1, 1, large), word(1, 2, 'small')].map((command, at) => ({ index: at + 4, term: 1, command })));
    expect(again.map((result) => result.type === 'applied' && [result.index, result.value.length])).toEqual([[2, 200_000], [3, 5]]);
  });

  test('of another kind, another version or cut short, it is refused, and the sessions stay', async () => {
    const machine = new WordMachine();
    await machine.apply(open(1), word(1, 1, 'a'));
    const [table] = await machine.snapshot();
    const whole = table ?? new Uint8Array();
    const newer = whole.slice();
    newer[7] = 9;
    const restore = (bytes: Uint8Array): Promise<void> => machine.machine.restore(streamOf([bytes]));
    await expect(restore(new TextEncoder().encode('a list of words, without sessions'))).rejects.toThrow('not one of a machine with sessions');
    await expect(restore(newer)).rejects.toThrow('format version 9; this build reads version 1');
    await expect(restore(whole.slice(0, -1))).rejects.toThrow('cut short');
    await expect(restore(new Uint8Array())).rejects.toThrow('cut short');
    expect(await machine.one(word(1, 1, 'a'))).toEqual(applied(2, 1));
  });
});
