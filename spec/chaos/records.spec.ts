import type { RaftEvent } from '../../lib/core/events.js';
import { answerOf } from '../../lib/cli/chaos/answers.js';
import { resultOf } from '../../lib/cli/chaos/caller.js';
import { Histogram } from '../../lib/cli/chaos/histogram.js';
import { LeadershipWatch } from '../../lib/cli/chaos/leadership-watch.js';
import { Ledger } from '../../lib/cli/chaos/ledger.js';
import { Registers } from '../../lib/cli/chaos/registers.js';
import type { HttpReply } from '../../lib/cli/http-client.js';
import { Dice } from '../../lib/testing/simulation/dice.js';

function reply(status: number, code = '', etag?: string): HttpReply {
  const body = code === '' ? 'value' : JSON.stringify({ error: { code, message: 'x' } });
  return { status, headers: etag === undefined ? {} : { etag }, body: Buffer.from(body) };
}

describe('what a client knows after an answer', () => {
  it.each([
    [200, '', 'answered'],
    [201, '', 'answered'],
    [204, '', 'answered'],
    [404, 'not_found', 'answered'],
    [412, 'precondition_failed', 'answered'],
    [503, 'rejected', 'refused'],
    [503, 'no_leader', 'refused'],
    [503, 'overloaded', 'refused'],
    [503, 'not_running', 'refused'],
    [504, 'timeout', 'refused'],
    [504, 'indeterminate', 'unknown'],
    [500, 'internal', 'unknown'],
    [408, 'slow_client', 'unknown'],
  ])('%i %s is %s', (status, code, type) => {
    expect(answerOf(reply(status, code)).type).toBe(type);
  });

  it('is recorded with the revision, and with what the key was', () => {
    expect(resultOf('get', reply(200, '', '"7"'))).toEqual({ type: 'entry', entry: { value: 'value', revision: 7 } });
    expect(resultOf('get', reply(404, 'not_found'))).toEqual({ type: 'entry', entry: null });
    expect(resultOf('put', reply(201, '', '"8"'))).toEqual({ type: 'stored', revision: 8, created: true });
    expect(resultOf('cas', reply(412, 'precondition_failed', '"9"'))).toEqual({ type: 'conflict', revision: 9 });
    expect(resultOf('cas', reply(412, 'precondition_failed'))).toEqual({ type: 'conflict', revision: null });
    expect(resultOf('delete', reply(204))).toEqual({ type: 'deleted', existed: true });
    expect(resultOf('delete', reply(404, 'not_found'))).toEqual({ type: 'deleted', existed: false });
  });
});

describe('the ledger', () => {
  function ledgerOf(fate: Parameters<Ledger['note']>[1]): { readonly ledger: Ledger; readonly key: string } {
    const ledger = new Ledger();
    const key = ledger.next();
    ledger.note(key, fate);
    return { ledger, key };
  }

  it('finds an acknowledged entry that is not there', () => {
    const { ledger, key } = ledgerOf('acknowledged');
    expect(ledger.problems('a', new Map([[key, ledger.valueOf(key)]]))).toEqual([]);
    expect(ledger.problems('a', new Map())).toEqual([`${key} was acknowledged, and node a does not have it`]);
  });

  it('finds a refused entry that is there, and lets one of unknown fate be there or not', () => {
    const refused = ledgerOf('refused');
    expect(refused.ledger.problems('a', new Map([[refused.key, refused.ledger.valueOf(refused.key)]]))).toEqual([`${refused.key} was refused for certain, and node a has it`]);
    const unknown = ledgerOf('unknown');
    expect(unknown.ledger.problems('a', new Map())).toEqual([]);
    expect(unknown.ledger.problems('a', new Map([[unknown.key, unknown.ledger.valueOf(unknown.key)]]))).toEqual([]);
  });

  it('finds another value, an entry that nobody wrote and a write that was executed twice', () => {
    const { ledger, key } = ledgerOf('acknowledged');
    expect(ledger.problems('a', new Map([[key, 'x'], ['ledger/9', 'y']]))).toEqual([expect.stringContaining('node a has "x"'), 'nobody wrote ledger/9, and node a has it']);
    expect(ledgerOf('found').ledger.doubles).toHaveLength(1);
  });
});

describe('the registers', () => {
  it('retire a key after so many calls, or so many of unknown fate', () => {
    const registers = new Registers(1);
    const dice = new Dice(1, 'spec');
    for (let calls = 0; calls < 300; calls += 1) registers.pick(dice);
    expect(registers.keys).toHaveLength(1);
    const second = registers.pick(dice);
    expect(registers.keys).toEqual(['register/000000', second.key]);
    second.unknown = 8;
    expect(registers.pick(dice).key).toBe('register/000002');
  });
});

describe('the watch over leadership', () => {
  function problemsOf(...events: readonly (readonly [nodeId: string, term: number, type: 'LeadershipAcquired' | 'LeadershipLost' | 'NodeStopped'])[]): readonly string[] {
    const watch = new LeadershipWatch();
    for (const [i, [nodeId, term, type]] of events.entries()) watch.accept({ nodeId, runId: 'r', seq: i + 1, term, type } as RaftEvent);
    return watch.problems;
  }

  it('has nothing against leaders that follow each other', () => {
    expect(problemsOf(['a', 1, 'LeadershipAcquired'], ['a', 1, 'LeadershipLost'], ['b', 2, 'LeadershipAcquired'], ['b', 2, 'LeadershipLost'], ['b', 2, 'NodeStopped'])).toEqual([]);
  });

  it('finds two leaders of one term', () => {
    expect(problemsOf(['a', 1, 'LeadershipAcquired'], ['b', 1, 'LeadershipAcquired'])).toEqual(['node b, run r, event 2: leads term 1, which a r led']);
  });

  it('finds gains and losses that are not paired', () => {
    expect(problemsOf(['a', 1, 'LeadershipLost'])).toHaveLength(1);
    expect(problemsOf(['a', 1, 'LeadershipAcquired'], ['a', 2, 'LeadershipAcquired'])).toHaveLength(1);
    expect(problemsOf(['a', 1, 'LeadershipAcquired'], ['a', 1, 'NodeStopped'])).toHaveLength(1);
  });
});

describe('a histogram', () => {
  it('counts by bucket and tells the middle and the ends', () => {
    const histogram = new Histogram();
    for (const ms of [100, 250, 251, 900, 20_000]) histogram.add(ms);
    expect(histogram.summary).toEqual({ count: 5, minMs: 100, medianMs: 251, p95Ms: 20_000, maxMs: 20_000 });
    expect(histogram.buckets.filter(({ count }) => count > 0)).toEqual([{ label: '≤ 250 ms', count: 2 }, { label: '≤ 500 ms', count: 1 }, { label: '≤ 1 s', count: 1 }, { label: '> 16 s', count: 1 }]);
    expect(histogram.lines[0]).toMatch(/^ ≤ 250 ms {2}█{30} {2}2$/);
  });

  it('has no lines and no summary while it is empty', () => {
    expect([new Histogram().summary, new Histogram().lines]).toEqual([null, []]);
  });
});
