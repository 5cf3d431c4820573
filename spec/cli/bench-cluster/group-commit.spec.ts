import { GroupCommit } from '../../../lib/cli/bench/cluster/group-commit.js';

describe('GroupCommit', () => {
  it('syncs all that waits together, and nothing before it is written', async () => {
    const done: string[] = [];
    const file = {
      write: (bytes: Uint8Array) => Promise.resolve(void done.push(`write ${Buffer.from(bytes).toString()}`)),
      datasync: () => Promise.resolve(void done.push('sync')),
    };
    const log = new GroupCommit(file as unknown as ConstructorParameters<typeof GroupCommit>[0]);
    const text = (value: string): Promise<void> => log.append([Buffer.from(value)]).then(() => void done.push(`durable ${value}`));
    const first = text('a');
    await Promise.resolve();
    await Promise.all([first, text('b'), text('c')]);
    expect(done).toEqual(['write a', 'sync', 'durable a', 'write bc', 'sync', 'durable b', 'durable c']);
  });

  it('acknowledges nothing after a sync that failed', async () => {
    const file = { write: () => Promise.resolve(), datasync: () => Promise.reject(new Error('EIO')) };
    const log = new GroupCommit(file as unknown as ConstructorParameters<typeof GroupCommit>[0]);
    await expect(log.append([new Uint8Array(1)])).rejects.toThrow('EIO');
    await expect(log.append([new Uint8Array(1)])).rejects.toThrow('EIO');
  });
});
