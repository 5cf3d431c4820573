import fc from 'fast-check';
import { entryBytes, type Entry } from '../../lib/core/entry.js';
import { InvariantError } from '../../lib/core/invariant.js';
import { RaftLog } from '../../lib/core/log.js';

/** What a log is, without any of the ways to make it fast. */
class NaiveLog {
  entries: Entry[] = [];
  compacted = { index: 0, term: 0 };
  /** The first entry that is surely not let go; below it the real log may or may not have entries. */
  kept = 1;

  get last(): { index: number; term: number } {
    const { index, term } = this.entries[this.entries.length - 1] ?? this.compacted;
    return { index, term };
  }

  termAt(index: number): number | undefined {
    return index === this.compacted.index ? this.compacted.term : this.entries.find((entry) => entry.index === index)?.term;
  }

  slice(from: number, to: number, maxBytes: number): Entry[] {
    const found = this.entries.filter(({ index }) => index >= from && index <= to);
    while (found.length > 1 && found.reduce((sum, entry) => sum + entryBytes(entry), 0) > maxBytes) found.pop();
    return found;
  }

  findConflictByTerm(index: number, term: number): { index: number; term: number } {
    const known = [this.compacted, ...this.entries].filter((entry) => entry.index <= index && entry.term <= term);
    const { index: at, term: found } = known[known.length - 1] ?? { index: 0, term: 0 };
    return { index: at, term: found };
  }
}

type Change =
  | { readonly type: 'append'; readonly sizes: number[]; readonly termStep: number }
  | { readonly type: 'truncate' | 'compact' | 'trim'; readonly share: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('append' as const), sizes: fc.array(fc.nat(60), { minLength: 1, maxLength: 12 }), termStep: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('truncate' as const, 'compact' as const, 'trim' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);

function make(log: RaftLog, naive: NaiveLog, what: Change): void {
  const { compacted, last } = naive;
  if (what.type === 'append') {
    const term = last.term + what.termStep + (last.term === 0 ? 1 : 0);
    const entries = what.sizes.map((size, i): Entry => ({ index: last.index + 1 + i, term, kind: 'command', payload: new Uint8Array(size) }));
    log.append(entries);
    naive.entries.push(...entries);
    return;
  }
  const index = compacted.index + Math.round(what.share * (last.index - compacted.index));
  const term = naive.termAt(index) ?? 0;
  if (what.type === 'truncate') {
    log.truncateAfter(index);
    naive.entries = naive.entries.filter((entry) => entry.index <= index);
    naive.kept = Math.min(naive.kept, index + 1);
  } else if (what.type === 'compact') {
    log.compact(index);
    naive.entries = naive.entries.filter((entry) => entry.index > index);
    naive.compacted = { index, term };
  } else {
    log.trimCache(index, what.share * 200);
    naive.kept = Math.max(naive.kept, index + 1);
  }
}

function expectSame(log: RaftLog, naive: NaiveLog, query: { from: number; length: number; bytes: number; term: number }): void {
  const { compacted, last } = naive;
  expect({ index: log.last.index, term: log.last.term }).toEqual(last);
  expect(log.compacted).toEqual(compacted);
  for (let index = compacted.index - 1; index <= last.index + 1; index += 1) expect(log.termAt(index)).toBe(naive.termAt(index));
  const from = compacted.index + 1 + query.from;
  const to = Math.min(from + query.length, last.index);
  for (const maxBytes of [query.bytes, Infinity, query.bytes]) {
    const found = from > to ? [] : log.slice(from, to, maxBytes);
    if (found !== null) expect(found).toEqual(naive.slice(from, to, maxBytes));
    else expect(from).toBeLessThan(naive.kept);
  }
  expect(log.findConflictByTerm(from, query.term)).toMatchObject(naive.findConflictByTerm(from, query.term));
}

describe('RaftLog', () => {
  it('equals an array, whatever is appended, cut, compacted and let go', () => {
    const query = fc.record({ from: fc.nat(20), length: fc.nat(8), bytes: fc.nat(300), term: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(fc.tuple(change, query), { maxLength: 40 }), (steps) => {
        const log = new RaftLog();
        const naive = new NaiveLog();
        for (const [what, asked] of steps) {
          make(log, naive, what);
          expectSame(log, naive, asked);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('keeps entries that are not through, however small the cache; lets go in strides otherwise', () => {
    const log = new RaftLog();
    for (let index = 1; index <= 10; index += 1) log.append([{ index, term: 1, kind: 'command', payload: new Uint8Array(68) }]);
    log.trimCache(4, 100);
    expect(log.slice(4, 10, Infinity)).toBeNull();
    expect(log.slice(5, 10, Infinity)).toHaveLength(6);
    log.trimCache(10, 600); // within bounds: nothing happens
    expect(log.slice(5, 10, Infinity)).toHaveLength(6);
    log.trimCache(10, 400); // down to three quarters of the bound
    expect(log.slice(7, 10, Infinity)).toBeNull();
    expect(log.slice(8, 10, Infinity)).toHaveLength(3);
  });

  it('gives peers at the same place the same array, and a fresh one once the log behind it was replaced', () => {
    const log = new RaftLog();
    for (let index = 1; index <= 3; index += 1) log.append([{ index, term: 1, kind: 'noop', payload: new Uint8Array(0) }]);
    const first = log.slice(2, 3, 1000);
    expect(log.slice(2, 3, 1000)).toBe(first);
    log.truncateAfter(2);
    log.append([{ index: 3, term: 2, kind: 'noop', payload: new Uint8Array(0) }]);
    expect(log.slice(2, 3, 1000)?.map(({ term }) => term)).toEqual([1, 2]);
  });

  it('knows the terms, and no entries, of a log that was restored', () => {
    const log = new RaftLog();
    log.restore({ index: 10, term: 2 }, { index: 20, term: 4 }, [{ term: 2, first: 11 }, { term: 4, first: 15 }]);
    expect([9, 10, 11, 14, 15, 20, 21].map((index) => log.termAt(index))).toEqual([undefined, 2, 2, 2, 4, 4, undefined]);
    expect(log.slice(11, 20, 1000)).toBeNull();
    log.append([{ index: 21, term: 4, kind: 'noop', payload: new Uint8Array(0) }]);
    expect(log.slice(21, 21, 1000)).toHaveLength(1);
    expect(log.findConflictByTerm(20, 3)).toEqual({ index: 14, term: 2 });
    expect(log.findConflictByTerm(20, 1)).toEqual({ index: 0, term: 0 });
  });

  it.each([
    ['a gap', (log: RaftLog) => log.append([{ index: 3, term: 1, kind: 'noop', payload: new Uint8Array(0) }])],
    ['an older term', (log: RaftLog) => log.append([{ index: 2, term: 0, kind: 'noop', payload: new Uint8Array(0) }])],
    ['a cut past the end', (log: RaftLog) => log.truncateAfter(2)],
    ['an id past the end', (log: RaftLog) => log.idAt(2)],
    ['compaction past the end', (log: RaftLog) => log.compact(2)],
  ])('stops at %s', (_what, broken) => {
    const log = new RaftLog();
    log.append([{ index: 1, term: 1, kind: 'noop', payload: new Uint8Array(0) }]);
    expect(() => broken(log)).toThrow(InvariantError);
  });
});
