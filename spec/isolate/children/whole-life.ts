import { waitFor } from '../../../lib/node/index.js';
import { openReplicated } from '../../../lib/open.js';

/** Opens an isolated store, uses it and stops it; or lets its thread die. The process must end by itself. */
const [dataDir = '', how] = process.argv.slice(2);
const store = await openReplicated<number, number>({
  node: { id: 'a', peers: { a: '127.0.0.1:1' }, listen: '127.0.0.1:0', dataDir, isolate: true },
  reducer: (sum, by) => sum + by,
  initial: 0,
});
await store.dispatch(2);
await store.dispatch(3);
console.log(`sum ${store.state.value}`);
if (how === 'stop') {
  await store.stop();
} else {
  store.node.events.subscribe({ error: (error: Error) => console.log(`${error.name}: ${error.message}`) });
  (store.node as unknown as { readonly thread: { readonly worker: { terminate(): Promise<number> } } }).thread.worker.terminate().catch(console.error);
  await waitFor(store.node, ({ runningState }) => runningState === 'failed').catch((error: unknown) => console.log((error as Error).name));
}
console.log('the end');
