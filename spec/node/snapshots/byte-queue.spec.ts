import { ByteQueue } from '../../../lib/node/snapshots/byte-queue.js';
import { outcomeOf } from '../../support/memory-cluster.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function read(queue: ByteQueue): Promise<number[]> {
  const all: number[] = [];
  for await (const piece of queue) all.push(...piece);
  return all;
}

describe('ByteQueue', () => {
  it('gives every byte in order, whether it came before the reader or after', async () => {
    const queue = new ByteQueue(() => undefined);
    queue.push(bytes(1, 2));
    const all = outcomeOf(read(queue));
    await settled();
    queue.push(bytes(3));
    queue.push(bytes(4, 5));
    await settled();
    queue.push(bytes(6));
    queue.end();
    await settled();
    expect(all).toMatchObject({ state: 'resolved', value: [1, 2, 3, 4, 5, 6] });
  });

  it('counts what nobody has taken, and tells when it was taken', async () => {
    let drained = 0;
    const queue = new ByteQueue(() => (drained += 1));
    queue.push(bytes(1, 2));
    queue.push(bytes(3));
    expect([queue.length, drained, queue.hasEnded]).toEqual([3, 0, false]);
    void outcomeOf(read(queue));
    await settled();
    expect([queue.length, drained]).toEqual([0, 1]);
    queue.end();
    expect(queue.hasEnded).toBe(true);
  });

  it('an error takes the place of the rest; the first one counts', async () => {
    const queue = new ByteQueue(() => undefined);
    queue.push(bytes(1));
    queue.fail(new Error('first'));
    queue.fail(new Error('second'));
    expect(queue.hasEnded).toBe(true);
    await expect(read(queue)).rejects.toThrow('first');
  });

  it('an error reaches a reader that waits', async () => {
    const queue = new ByteQueue(() => undefined);
    const all = outcomeOf(read(queue));
    await settled();
    queue.fail(new Error('gone'));
    await settled();
    expect(all).toMatchObject({ state: 'rejected', error: { message: 'gone' } });
  });
});
