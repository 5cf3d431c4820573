import { checkLinearizable, History, keyValueModel, type KeyValueOperation, type KeyValueResult } from '../../../lib/testing/linearizability/index.js';

const put: KeyValueOperation = { type: 'put', key: 'a', value: '1' };

describe('History', () => {
  it('is used as its example says', () => {
    const history = new History<KeyValueOperation, KeyValueResult>();
    const call = history.begin('client 1', { type: 'put', key: 'a', value: '1' });
    call.done({ type: 'stored', revision: 7 });
    expect(checkLinearizable(keyValueModel, history.calls).type).toBe('linearizable');
  });

  it('counts events when it has no clock, so that nothing touches that did not overlap', () => {
    const history = new History<KeyValueOperation, KeyValueResult>();
    const [a, b] = [history.begin('a', put), history.begin('b', put)];
    b.done({ type: 'stored' });
    a.done({ type: 'stored' });
    expect(history.calls.map(({ client, start, outcome }) => [client, start, outcome.type === 'returned' ? outcome.at : null])).toEqual([['a', 1, 4], ['b', 2, 3]]);
  });

  it('takes its times from the clock that it is given', () => {
    let now = 100;
    const history = new History<KeyValueOperation, KeyValueResult>(() => now);
    const call = history.begin('a', put);
    now = 150;
    call.done({ type: 'stored' });
    expect(history.calls).toMatchObject([{ start: 100, outcome: { at: 150 } }]);
  });

  it('keeps what is unknown or never ended open, what happened unheard for ever, and forgets what failed', () => {
    const history = new History<KeyValueOperation, KeyValueResult>();
    history.begin('unknown', put).unknown();
    history.begin('unended', put);
    history.begin('unheard', put).happened({ type: 'stored' });
    history.begin('failed', put).failed();
    expect(history.calls.map(({ client, outcome }) => [client, outcome])).toEqual([
      ['unknown', { type: 'open' }],
      ['unended', { type: 'open' }],
      ['unheard', { type: 'returned', at: Infinity, result: { type: 'stored' } }],
    ]);
  });

  it.each(['done', 'happened'] as const)('ends what is %s at the time by which it had taken effect, where that is known', (end) => {
    let now = 100;
    const history = new History<KeyValueOperation, KeyValueResult>(() => now);
    const call = history.begin('a', put);
    now = 150;
    call.tookEffect();
    now = 200;
    call.tookEffect();
    call[end]({ type: 'stored' });
    expect(history.calls).toMatchObject([{ start: 100, outcome: { type: 'returned', at: 150 } }]);
  });

  it('is decided in no time however many answers were lost, once it is known when each took effect', () => {
    const history = new History<KeyValueOperation, KeyValueResult>();
    let value = 'v0';
    for (let i = 1; i <= 400; i += 1) {
      const writers = [1, 2, 3].map((client) => history.begin(`client ${client}`, { type: 'put', key: 'x', value: `v${i % 5}` }));
      const swap = history.begin('client 4', { type: 'put', key: 'x', value: `w${i % 5}`, expect: { value } });
      swap.tookEffect();
      swap.happened(i === 1 ? { type: 'conflict', revision: null } : { type: 'stored' });
      for (const writer of writers) {
        writer.tookEffect();
        writer.happened({ type: 'stored' });
      }
      value = `v${i % 5}`;
    }
    const { type, steps } = checkLinearizable(keyValueModel, history.calls);
    expect(type).toBe('linearizable');
    expect(steps).toBeLessThan(20 * history.calls.length);
  });

  it('lets a call end once', () => {
    const call = new History<KeyValueOperation, KeyValueResult>().begin('a', put);
    call.unknown();
    expect(() => call.done({ type: 'stored' })).toThrow('the call of a has ended already');
  });
});
