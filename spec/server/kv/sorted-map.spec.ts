import fc from 'fast-check';
import { SortedMap } from '../../../lib/server/kv/sorted-map.js';

describe('SortedMap', () => {
  it('behaves like a Map that iterates in key order, through splits and merges', () => {
    const key = fc.integer({ min: 0, max: 900 }).map((n) => `k${n}`);
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ op: fc.constant('set' as const), key, value: fc.integer() }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), key, value: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 500, maxLength: 3000, size: 'max' }), (steps) => {
        const map = new SortedMap<number>();
        const model = new Map<string, number>();
        for (const { op, key: k, value } of steps) {
          expect(op === 'set' ? map.set(k, value) : map.delete(k)).toBe(model.get(k));
          if (op === 'set') model.set(k, value);
          else model.delete(k);
        }
        expect(map.size).toBe(model.size);
        expect([...map.entriesFrom('')]).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
        for (const k of ['', 'k0', 'k45', 'k450', 'k9', 'z']) {
          expect([...map.entriesFrom(k)].map(([name]) => name)).toEqual([...model.keys()].filter((name) => name >= k).sort());
          expect(map.get(k)).toBe(model.get(k));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('holds a large ascending and a large descending load', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(6, '0'));
    for (const order of [keys, [...keys].reverse()]) {
      const map = new SortedMap<string>();
      for (const k of order) map.set(k, k);
      expect([...map.entriesFrom('')].map(([k]) => k)).toEqual(keys);
    }
  });

  it('a view shows no write, deletion or split that comes after it', () => {
    const map = new SortedMap<number>();
    for (let i = 0; i < 1000; i += 1) map.set(`k${i}`, i);
    const before = [...map.entriesFrom('')];
    const view = map.view();
    for (let i = 0; i < 1000; i += 2) map.delete(`k${i}`);
    for (let i = 0; i < 2000; i += 1) map.set(`n${i}`, i);
    map.set('k1', -1);
    const second = map.view();
    map.set('k3', -3);
    expect([...view.entries()]).toEqual(before);
    expect(view.size).toBe(1000);
    expect(new Map(second.entries()).get('k3')).toBe(3);
    expect(map.get('k3')).toBe(-3);
  });

  it('an empty map has no entries, and a view of it neither', () => {
    const map = new SortedMap<number>();
    expect(map.get('a')).toBeUndefined();
    expect(map.delete('a')).toBeUndefined();
    expect([...map.view().entries(), ...map.entriesFrom('')]).toEqual([]);
    map.set('a', 1);
    map.delete('a');
    expect(map.size).toBe(0);
    expect([...map.entriesFrom('')]).toEqual([]);
  });
});
