import { filter, firstValueFrom } from 'rxjs';
import { openRaftNode } from '../../../open.js';
import { KvMachine } from '../../../server/kv-machine.js';
import type { KvNode } from '../../../server/kv-node.js';
import type { KvAnswer, KvCommand, KvQuery, KvResult } from '../../../server/kv/commands.js';
import { messageOf } from '../../exit.js';
import { closedLoop, type Load } from './load.js';
import { keyOf, VALUE_BYTES, WARM_SHARE } from './store.js';

/** What the process of an application that embeds a node is started with, as JSON in its first argument. */
export interface LibraryNodeOptions {
  readonly id: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly dataDir: string;
}

/** What it is asked over IPC, once it has said `ready`. */
export type LibraryOrder =
  /** Say whether you lead. */
  | { readonly type: 'lead'; readonly request: number }
  /** Call `propose` from so many callers in your process. */
  | { readonly type: 'closed'; readonly request: number; readonly callers: number; readonly seconds: number };

/** What it answers. */
export type LibraryAnswer =
  | { readonly type: 'leads'; readonly request: number; readonly leads: boolean }
  | { readonly type: 'loaded'; readonly request: number; readonly load: Load }
  | { readonly type: 'failed'; readonly request: number; readonly why: string };

async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as LibraryNodeOptions;
  const node = await openRaftNode<KvCommand, KvResult, KvQuery, KvAnswer>({ ...options, clusterId: 'rxraft-bench', stateMachine: new KvMachine() });
  const stop = async (): Promise<void> => {
    await node.stop();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('disconnect', () => void stop());
  process.on('message', (order: LibraryOrder) => {
    void obey(node, order)
      .catch((error: unknown): LibraryAnswer => ({ type: 'failed', request: order.request, why: messageOf(error) }))
      .then((answer) => process.send?.(answer));
  });
  await firstValueFrom(node.serverMetrics.pipe(filter(({ leaderId }) => leaderId !== null)));
  process.send?.({ type: 'ready' });
}

async function obey(node: KvNode, order: LibraryOrder): Promise<LibraryAnswer> {
  const { request } = order;
  if (order.type === 'lead') return { type: 'leads', request, leads: node.metrics.value.leadership?.established === true };
  const value = new Uint8Array(VALUE_BYTES).fill('v'.charCodeAt(0));
  let puts = 0;
  const put = async (): Promise<boolean> => (await node.propose({ type: 'put', key: keyOf((puts += 1)), value })).value.type === 'stored';
  const callers = new Array<typeof put>(order.callers).fill(put);
  await closedLoop(callers, order.seconds * WARM_SHARE);
  return { type: 'loaded', request, load: await closedLoop(callers, order.seconds) };
}

await main();
