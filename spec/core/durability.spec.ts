import { Durability } from '../../lib/core/durability.js';
import { RaftLog } from '../../lib/core/log.js';
import type { RaftMessage } from '../../lib/core/messages.js';

const MESSAGE: RaftMessage = { type: 'voteReply', term: 2, granted: true };
const HARD_STATE = { term: 2, votedFor: 'a' };

function setUp(durable = 0): { log: RaftLog; disk: Durability; append: (term: number, count: number) => void } {
  const log = new RaftLog();
  const disk = new Durability();
  const append = (term: number, count: number): void => {
    for (let i = 0; i < count; i += 1) log.append([{ index: log.last.index + 1, term, kind: 'command', payload: new Uint8Array(0) }]);
  };
  append(1, durable);
  disk.restore({ term: 1, votedFor: null }, durable);
  return { log, disk, append };
}

function cut(log: RaftLog, disk: Durability, after: number): void {
  log.truncateAfter(after);
  disk.stageTruncate(after);
}

describe('Durability', () => {
  it('A-B-A of terms: a completion marks what its write holds and no later write cut', () => {
    const { log, disk, append } = setUp(4);
    append(2, 4); //                              write 1: 5..8 of term 2
    expect(disk.takeWrite(HARD_STATE, log)).toMatchObject({ id: 1, truncateAfter: null, hardState: null });
    cut(log, disk, 5);
    append(3, 2); //                              write 2: cut after 5, 6..7 of term 3
    expect(disk.takeWrite(HARD_STATE, log)).toMatchObject({ id: 2, truncateAfter: 5 });
    cut(log, disk, 4);
    append(2, 1); //                              write 3: cut after 4, 5 of term 2 once more (another entry, had Raft allowed it)
    expect(disk.takeWrite(HARD_STATE, log)).toMatchObject({ id: 3, truncateAfter: 4 });
    expect(disk.complete(1)).toMatchObject({ persistedIndex: null });
    expect(disk.persistedIndex).toBe(4);
    expect(disk.complete(2)).toMatchObject({ persistedIndex: null });
    expect(disk.complete(3)).toMatchObject({ persistedIndex: 5 });
  });

  it('one completion stands for all writes before it', () => {
    const { log, disk, append } = setUp();
    append(1, 1);
    disk.takeWrite(HARD_STATE, log);
    disk.stageHardState(true);
    disk.takeWrite(HARD_STATE, log);
    append(2, 2);
    disk.takeWrite(HARD_STATE, log);
    expect(disk.complete(2)).toEqual({ hardState: HARD_STATE, persistedIndex: 1, released: [] });
    expect([disk.persistedTerm, disk.persistedVote, disk.isHardStateDurable]).toEqual([2, 'a', true]);
    expect(disk.complete(3)).toMatchObject({ hardState: null, persistedIndex: 3 });
    expect(disk.complete(3)).toMatchObject({ persistedIndex: null });
  });

  it('cutting entries that no write has carried asks nothing of the disk', () => {
    const { log, disk, append } = setUp(4);
    append(2, 3);
    cut(log, disk, 5);
    append(3, 1);
    const write = disk.takeWrite(HARD_STATE, log);
    expect(write).toMatchObject({ truncateAfter: null });
    expect(write?.entries.map(({ index, term }) => [index, term])).toEqual([[5, 2], [6, 3]]);
    expect(disk.takeWrite(HARD_STATE, log)).toBeNull();
  });

  it('two cuts before one write: the deeper one counts', () => {
    const { log, disk, append } = setUp(4);
    cut(log, disk, 2);
    append(2, 2);
    cut(log, disk, 3);
    expect(disk.persistedIndex).toBe(2);
    expect(disk.takeWrite(HARD_STATE, log)).toMatchObject({ truncateAfter: 2, entries: [{ index: 3, term: 2 }] });
  });

  it('holds messages until the hard state that they depend on is on the disk, also across writes', () => {
    const { log, disk } = setUp();
    expect(disk.hold('b', MESSAGE)).toBe(false);
    disk.stageHardState(true);
    expect(disk.hold('b', MESSAGE)).toBe(true);
    disk.takeWrite(HARD_STATE, log);
    expect(disk.hold('c', MESSAGE)).toBe(true); // in flight
    disk.stageHardState(false);
    expect(disk.hold('d', MESSAGE)).toBe(true); // depends on the next write
    disk.takeWrite(HARD_STATE, log);
    expect(disk.complete(1).released.map(({ to }) => to)).toEqual(['b', 'c']);
    expect(disk.isHardStateDurable).toBe(false);
    expect(disk.complete(2).released.map(({ to }) => to)).toEqual(['d']);
    expect(disk.hold('e', MESSAGE)).toBe(false);
  });

  it('a new term withdraws what was held for the old one; a vote within the term does not', () => {
    const { log, disk } = setUp();
    disk.stageHardState(true);
    disk.hold('b', MESSAGE);
    disk.stageHardState(true);
    disk.hold('c', MESSAGE);
    disk.stageHardState(false);
    disk.takeWrite(HARD_STATE, log);
    expect(disk.complete(1).released.map(({ to }) => to)).toEqual(['c']);
  });

  it('a snapshot that replaces the log outlives the writes before it', () => {
    const { log, disk, append } = setUp(2);
    append(2, 5);
    disk.takeWrite(HARD_STATE, log);
    log.restart({ index: 5, term: 2 });
    disk.restart(5);
    expect(disk.persistedIndex).toBe(5);
    expect(disk.complete(1)).toMatchObject({ persistedIndex: null });
    append(2, 1);
    expect(disk.takeWrite(HARD_STATE, log)).toMatchObject({ truncateAfter: null, entries: [{ index: 6 }] });
  });
});
