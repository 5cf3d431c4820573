import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { openRaftNode } from '../../open.js';
import type { RaftNode } from '../../node/raft-node.js';
import { bytesCodec } from '../../ports/codec.js';
import type { Committed, StateMachine } from '../../ports/state-machine.js';
import { closedLoop, type Rate } from './closed-loop.js';

export interface IsolatedJob {
  readonly directory: string;
  /** In a thread of its own, or in that of the callers. */
  readonly isolate: boolean;
  readonly concurrency: number;
  readonly total: number;
  readonly bytes: number;
}

/** Proposals on a cluster of one, on files and TCP. */
export async function isolatedRate({ directory, isolate, concurrency, total, bytes }: IsolatedJob): Promise<Rate> {
  const dataDir = await mkdtemp(join(directory, 'isolated-'));
  try {
    const node = await openRaftNode<Uint8Array, number>({
      id: 'a',
      peers: { a: '127.0.0.1:1' },
      listen: '127.0.0.1:0',
      dataDir,
      isolate,
      stateMachine: counter(),
      commandCodec: bytesCodec,
      electionTimeoutMinMs: 100,
      electionTimeoutMaxMs: 200,
      heartbeatIntervalMs: 50,
    });
    const rate = await measure(node, concurrency, total, bytes);
    await node.stop();
    return rate;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Every command has bytes of its own, as those of an application have: one buffer for all would spare the callers' thread alone. */
async function measure(node: RaftNode<Uint8Array, number>, concurrency: number, total: number, bytes: number): Promise<Rate> {
  const propose = (): Promise<unknown> => node.propose(new Uint8Array(bytes));
  await firstValueFrom(node.serverMetrics.pipe(filter(({ leadership }) => leadership?.established === true)));
  await closedLoop(concurrency, Math.ceil(total / 10), propose); // warm
  return closedLoop(concurrency, total, propose);
}

function counter(): StateMachine<Uint8Array, number> {
  let count = 0;
  return {
    apply: (batch: readonly Committed<Uint8Array>[]) => batch.map(() => (count += 1)),
    async *snapshot() {
      yield await Promise.resolve(Uint8Array.of(count));
    },
    async restore(chunks) {
      for await (const chunk of chunks) count = chunk[0] ?? 0;
    },
    reset: () => void (count = 0),
  };
}
