import { MessageChannel } from 'node:worker_threads';
import { Channel, type FramePort } from '../../lib/isolate/channel.js';
import type { Message } from '../../lib/isolate/messages.js';

describe('a channel between threads', () => {
  let ports: MessageChannel;
  beforeEach(() => {
    ports = new MessageChannel();
  });
  afterEach(() => ports.port1.close());

  const payload = new Uint8Array(1000);
  const settled = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };

  it('carries what is posted while the running code lasts in one frame, long ones in several, in order', async () => {
    const frames: number[] = [];
    const port: FramePort = {
      on: (event, listener) => ports.port1.on(event, listener),
      postMessage: (frame, transfer) => {
        frames.push(frame.byteLength);
        ports.port1.postMessage(frame, [...transfer]);
      },
    };
    const arrived: Message[] = [];
    const here = new Channel<Message, Message>(port, () => undefined);
    const there = new Channel<Message, Message>(ports.port2, (message) => arrived.push(message));
    for (let request = 0; request < 10; request += 1) here.post({ type: 'check', request, payload });
    await Promise.resolve();
    here.post({ type: 'stop' });
    expect(frames).toEqual([]);
    await settled(() => arrived.length === 11);
    expect(frames).toHaveLength(1);
    expect(arrived.map((message) => (message.type === 'check' ? message.request : message.type))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'stop']);
    for (let request = 0; request < 1000; request += 1) here.post({ type: 'check', request, payload });
    expect(Math.max(...frames)).toBeLessThan(70_000);
    await settled(() => arrived.length === 1011);
    there.close();
  });

  it('knows how far the other side is behind, and carries nothing once it is closed', async () => {
    let count = 0;
    const here = new Channel<Message, Message>(ports.port1, () => undefined);
    const there = new Channel<Message, Message>(ports.port2, () => (count += 1));
    for (let request = 0; request < 1000; request += 1) here.post({ type: 'check', request, payload });
    expect(here.backlogBytes).toBeGreaterThan(1_000_000);
    await settled(() => count === 1000 && here.backlogBytes < 70_000);
    here.close();
    here.post({ type: 'stop' });
    there.post({ type: 'stop' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(count).toBe(1000);
  });
});
