import { ByteStreams } from '../../lib/isolate/byte-streams.js';
import { ErrorsAcross } from '../../lib/isolate/errors-across.js';
import type { StreamMessage } from '../../lib/isolate/messages.js';

const WINDOW = 1 << 20;

describe('streams of bytes between the threads', () => {
  let here: ByteStreams;
  let there: ByteStreams;
  let crossed: StreamMessage[];
  beforeEach(() => {
    crossed = [];
    here = new ByteStreams(new ErrorsAcross(true), (message) => {
      crossed.push(message);
      queueMicrotask(() => there.handle(message));
    });
    there = new ByteStreams(new ErrorsAcross(false), (message) => queueMicrotask(() => here.handle(message)));
  });
  const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const sentBytes = (): number => crossed.reduce((sum, message) => sum + (message.type === 'chunk' ? message.data.length : 0), 0);
  async function* chunks(count: number, length: number, after: () => void = () => undefined): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; i < count; i += 1) yield await Promise.resolve(new Uint8Array(length).fill(i));
    } finally {
      after();
    }
  }
  const read = async (stream: AsyncIterable<Uint8Array>): Promise<number> => {
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    return bytes;
  };

  it('arrive whole, in pieces, whether they are read early or late', async () => {
    const arriving = there.receive(1);
    const sent = here.send(1, chunks(3, 1_000_000));
    await idle();
    expect(await read(arriving)).toBe(3_000_000);
    await sent;
    expect(Math.max(...crossed.map((message) => (message.type === 'chunk' ? message.data.length : 0)))).toBe(256 << 10);
  });

  it('run no further ahead of their reader than a window, be it one great chunk', async () => {
    const arriving = there.receive(1);
    void here.send(1, chunks(1, 10 * WINDOW));
    await idle();
    expect(sentBytes()).toBe(WINDOW);
    expect(await read(arriving)).toBe(10 * WINDOW);
  });

  it('that break give their reader the error behind what came before', async () => {
    const arriving = there.receive(1);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(5));
      throw new RangeError('broken');
    }
    void here.send(1, broken());
    const iterator = arriving[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toHaveLength(5);
    await expect(iterator.next()).rejects.toThrow(new RangeError('broken'));
  });

  it('whose reader leaves early end at their source', async () => {
    const arriving = there.receive(1);
    let hasEnded = false;
    const sent = here.send(1, chunks(100, WINDOW, () => (hasEnded = true)));
    for await (const _chunk of arriving) break;
    await sent;
    expect(hasEnded).toBe(true);
    expect(sentBytes()).toBeLessThan(3 * WINDOW);
  });

  it('are given up on both sides when the other thread is gone', async () => {
    const arriving = there.receive(1);
    const sent = here.send(1, chunks(100, WINDOW));
    await idle();
    here.abandon(new Error('gone'));
    await sent;
    const waiting = here.receive(2);
    here.abandon(new Error('gone'));
    await expect(read(waiting)).rejects.toThrow('gone');
    there.abandon(new Error('gone'));
    await expect(read(arriving)).rejects.toThrow('gone');
  });
});
