import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { EMPTY_PAYLOAD, type Entry } from '../../lib/core/entry.js';
import { CorruptLogError, StorageError } from '../../lib/ports/errors.js';

const identity = { clusterId: 'c', nodeId: 'a' };

function entries(from: number, to: number, term = 1): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ index: from + i, term, kind: 'command', payload: EMPTY_PAYLOAD }));
}

function write(id: number, from: number, to: number) {
  return { id, hardState: null, truncateAfter: null, entries: entries(from, to) };
}

describe('MemoryStorage', () => {
  it('shares the entries it is given instead of copying them', async () => {
    const storage = new MemoryStorage();
    await storage.open(identity);
    const given = entries(1, 2);
    await storage.append({ id: 1, hardState: null, truncateAfter: null, entries: given });
    const read = await storage.read(1, 2, Infinity);
    expect(read[0]).toBe(given[0]);
    expect(read[1]).toBe(given[1]);
  });

  it('makes nothing durable while syncs are held, and everything in order when they are released', async () => {
    const disk = new MemoryDisk();
    const storage = new MemoryStorage(disk);
    await storage.open(identity);
    disk.holdSync();
    const order: number[] = [];
    const all = [1, 2, 3].map((id) => storage.append(write(id, id, id)).then(() => order.push(id)));
    await Promise.resolve();
    expect(order).toEqual([]);
    expect((await storage.read(1, 3, Infinity)).map((entry) => entry.index)).toEqual([1, 2, 3]);
    disk.releaseSync();
    await Promise.all(all);
    expect(order).toEqual([1, 2, 3]);
  });

  it('loses unsynced writes in a crash, keeps the ones that survived, and leaves the old instance inert', async () => {
    const disk = new MemoryDisk();
    const storage = new MemoryStorage(disk);
    await storage.open(identity);
    await storage.append(write(1, 1, 1));
    disk.holdSync();
    let settled = 0;
    const count = () => (settled += 1);
    void storage.append(write(2, 2, 3)).then(count, count);
    void storage.append(write(3, 4, 5)).then(count, count);
    disk.crash({ survivingWrites: 1 });
    void storage.append(write(4, 4, 5)).then(count, count);
    const state = await new MemoryStorage(disk).open(identity);
    expect(state.lastLog).toEqual({ index: 3, term: 1 });
    expect(settled).toBe(0);
  });

  it('takes as long to sync as the clock it was given says, and carries later writes in the next sync', async () => {
    const timers: { delayMs: number; callback: () => void }[] = [];
    const clock = {
      now: () => 0,
      wallTime: () => 0,
      yield: (callback: () => void) => callback(),
      schedule: (delayMs: number, callback: () => void) => {
        timers.push({ delayMs, callback });
        return () => undefined;
      },
    };
    const disk = new MemoryDisk({ clock, syncLatencyMs: 5 });
    const storage = new MemoryStorage(disk);
    await storage.open(identity);
    const first = storage.append(write(1, 1, 1));
    const second = storage.append(write(2, 2, 2));
    expect(timers.map((timer) => timer.delayMs)).toEqual([5]);
    timers[0]?.callback();
    await first;
    expect(disk.unsyncedWrites).toBe(1);
    timers[1]?.callback();
    await second;
    expect(disk.unsyncedWrites).toBe(0);
  });

  it('fails the sync that carries a given write, and everything after it', async () => {
    const disk = new MemoryDisk();
    const storage = new MemoryStorage(disk);
    await storage.open(identity);
    disk.failSyncAtWrite(2);
    await storage.append(write(1, 1, 1));
    await expect(storage.append(write(2, 2, 2))).rejects.toThrow(StorageError);
    await expect(storage.append(write(3, 3, 3))).rejects.toThrow(StorageError);
    await expect(storage.read(1, 1, Infinity)).rejects.toThrow(StorageError);
    await storage.close();
    expect((await new MemoryStorage(disk).open(identity)).lastLog.index).toBe(1);
  });

  it('reports a corrupt entry and a corrupt snapshot when they are read', async () => {
    const disk = new MemoryDisk();
    const storage = new MemoryStorage(disk);
    await storage.open(identity);
    await storage.append(write(1, 1, 3));
    disk.corruptEntry(2);
    await expect(storage.read(1, 3, Infinity)).rejects.toMatchObject({ name: 'CorruptLogError', index: 2 });
    await storage.close();
    await expect(new MemoryStorage(disk).open(identity)).rejects.toThrow(CorruptLogError);
  });
});
