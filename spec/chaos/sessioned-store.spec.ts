import { SessionedStore } from '../../lib/cli/chaos/sessioned-store.js';
import { SessionHost } from '../../lib/cli/chaos/session-host.js';
import { createRaftNode, MemoryNetwork, MemoryStorage, waitFor } from '../../lib/index.js';
import type { KvNode } from '../../lib/server/kv-node.js';
import type { KvStateMachine } from '../../lib/server/kv-server.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the store with sessions', () => {
  it('applies a session\'s command once, however often it stands in the log, and plain ones as often as they do', async () => {
    const store = new SessionedStore();
    await store.reset();
    const put = { type: 'put', key: 'a', value: bytes('1'), expect: 'absent' } as const;
    const command = { type: 'command', session: 1, sequence: 1, ackedThrough: 0, wallTime: 1, command: put } as const;
    const results = await store.apply([{ type: 'openSession', wallTime: 1 } as const, command, command, put].map((each, i) => ({ index: i + 1, term: 1, command: each })));
    const first = { type: 'applied', index: 2, term: 1, value: { type: 'stored', revision: 2, created: true } };
    expect(results.slice(1)).toEqual([first, first, { type: 'conflict', revision: 2 }]);
  });

  it('is written to through the session of a node, which is opened when it is needed', async () => {
    const machine = new SessionedStore() as unknown as KvStateMachine;
    const node: KvNode = createRaftNode({ id: 'a', peers: { a: '' }, storage: new MemoryStorage(), transport: new MemoryNetwork().transport(), stateMachine: machine });
    await node.start();
    await waitFor(node, ({ leadership }) => leadership?.established === true);
    const host = new SessionHost(node);
    const stored = await host.write({ type: 'put', key: 'a', value: '1', expect: 'absent' });
    expect(stored).toMatchObject({ answer: { type: 'answered', reply: { type: 'stored', created: true } }, resent: 0 });
    expect(await host.write({ type: 'put', key: 'a', value: '2', expect: 'absent' })).toMatchObject({ answer: { reply: { type: 'conflict' } } });
    expect(await host.write({ type: 'delete', key: 'a', value: '' })).toMatchObject({ answer: { reply: { type: 'deleted', existed: true } } });
    await node.stop();
    expect(await host.write({ type: 'delete', key: 'a', value: '' })).toMatchObject({ answer: { type: 'refused', why: 'session: StoppedError' } });
  });
});
