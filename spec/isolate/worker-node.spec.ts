import { rmSync } from 'node:fs';
import { FrameReader } from '../../lib/isolate/frame.js';
import { Channel, type FramePort } from '../../lib/isolate/channel.js';
import type { Message, ToApplication, ToWorker } from '../../lib/isolate/messages.js';
import { unpack } from '../../lib/isolate/packing.js';
import { WorkerNode } from '../../lib/isolate/worker-node.js';
import { temporaryDirectory } from '../support/file-fixture.js';

/** One end of a pair in one thread; what arrives waits while it is stalled. */
class LocalPort implements FramePort {
  other: LocalPort | null = null;
  isStalled = false;
  readonly waiting: ArrayBuffer[] = [];
  private listener: (frame: ArrayBuffer) => void = () => undefined;

  on(_event: 'message', listener: (frame: ArrayBuffer) => void): void {
    this.listener = listener;
  }

  postMessage(frame: ArrayBuffer): void {
    const { other } = this;
    if (other?.isStalled === true) other.waiting.push(frame);
    else setImmediate(() => other?.listener(frame));
  }
}

// Real threads, disks and sockets, on a machine that may be busy with other things.
jest.setTimeout(30_000);

describe('the node\'s side of the thread', () => {
  it('fails, rather than to keep events back or to take all memory, when the application takes none', async () => {
    const dataDir = temporaryDirectory();
    const [here, there] = [new LocalPort(), new LocalPort()];
    here.other = there;
    there.other = here;
    let hasStarted = false;
    const application = new Channel<ToApplication, ToWorker>(here, (message) => {
      if (message.type === 'machine') application.post({ type: 'machineDone', request: message.request, error: null });
      if (message.type === 'started') hasStarted = true;
    });
    const failBytes = 300_000;
    const options = { id: 'a', clusterId: 'c', runId: 'r', seed: 1, snapshotPolicy: null, peers: { a: '127.0.0.1:1' } };
    new WorkerNode(there, { options, dataDir, listen: '127.0.0.1:0', tls: null, bounds: { holdBytes: 1000, failBytes }, timeOrigin: performance.timeOrigin }).start();
    await until(() => hasStarted);

    here.isStalled = true;
    const told = (): Message[] => here.waiting.flatMap(messagesOf);
    const bytes = (): number => here.waiting.reduce((sum, frame) => sum + frame.byteLength, 0);
    for (let turn = 0; bytes() < failBytes && turn < 100_000; turn += 1) {
      application.post({ type: 'command', method: turn % 2 === 0 ? 'pauseElections' : 'resumeElections', args: [] });
      if (turn % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => told().some(({ type }) => type === 'closed'));
    expect(told()).toContainEqual(
      expect.objectContaining({ type: 'failed', error: expect.objectContaining({ name: 'FatalError', cause: expect.objectContaining({ name: 'OverloadedError' }) as unknown }) as unknown }),
    );
    expect(bytes()).toBeLessThan(2 * failBytes);
    const events = told().flatMap((message) => (message.type === 'events' ? message.events : []));
    expect(events.at(-1)).toMatchObject({ type: 'NodeStopped', reason: 'fatalError' });
    application.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
});

function messagesOf(frame: ArrayBuffer): Message[] {
  const reader = new FrameReader(frame);
  reader.number();
  const messages: Message[] = [];
  while (reader.hasMore) messages.push(unpack(reader));
  return messages;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
