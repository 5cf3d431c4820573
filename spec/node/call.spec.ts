import { Call } from '../../lib/node/call.js';

describe('Call', () => {
  test('the first of result, error and signal settles it, and what comes later is dropped', async () => {
    const call = new Call<number>(0, 100);
    call.resolve(1);
    call.reject(new Error('late'));
    call.resolve(2);
    await expect(call.promise).resolves.toBe(1);
    expect(call.isDone).toBe(true);
  });

  test('the deadline is counted from the start', () => {
    expect(new Call<void>(40, 100).deadline).toBe(140);
  });

  test.each(['resolve', 'reject'] as const)('%s lets go of the signal', async (how) => {
    const { signal } = new AbortController();
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    const call = new Call<number>(0, 100);
    call.watch(signal, () => undefined);
    if (how === 'resolve') call.resolve(1);
    else call.reject(new Error('no'));
    await call.promise.catch(() => undefined);
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls[0]?.slice(0, 2)).toEqual(added.mock.calls[0]?.slice(0, 2));
  });

  test('an abort calls back once, and never after the call was settled', () => {
    const first = new AbortController();
    const second = new AbortController();
    let aborts = 0;
    const waiting = new Call<number>(0, 100);
    waiting.watch(first.signal, () => (aborts += 1));
    first.abort();
    expect(aborts).toBe(1);
    const done = new Call<number>(0, 100);
    done.watch(second.signal, () => (aborts += 1));
    done.resolve(1);
    second.abort();
    expect(aborts).toBe(1);
  });
});
