import { Worker } from 'node:worker_threads';

/** Sends every frame back. */
const ECHO = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (frame) => parentPort.postMessage(frame, [frame]));
`;
const FRAME_BYTES = 1024;

export interface CrossingJob {
  readonly roundTrips: number;
}

/** What it takes a frame to be in another thread that waits for it, in microseconds: half of the way there and back. */
export async function crossing({ roundTrips }: CrossingJob): Promise<number> {
  const thread = new Worker(ECHO, { eval: true });
  try {
    await echoes(thread, Math.ceil(roundTrips / 10)); // warm
    const startedAt = performance.now();
    await echoes(thread, roundTrips);
    return ((performance.now() - startedAt) * 1000) / roundTrips / 2;
  } finally {
    await thread.terminate();
  }
}

/** One after the other, so many times. Rejects when the thread fails. */
function echoes(thread: Worker, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    const send = (frame: ArrayBuffer): void => {
      if (left > 0) return thread.postMessage(frame, [frame]);
      thread.off('message', receive).off('error', reject);
      resolve();
    };
    const receive = (frame: ArrayBuffer): void => {
      left -= 1;
      send(frame);
    };
    thread.on('message', receive).on('error', reject);
    send(new ArrayBuffer(FRAME_BYTES));
  });
}
