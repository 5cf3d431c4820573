import fc from 'fast-check';
import { entriesBytes, type Entry } from '../../lib/core/entry.js';
import { EntryList } from '../../lib/core/entry-list.js';

function entries(first: number, sizes: readonly number[]): Entry[] {
  return sizes.map((size, i) => ({ index: first + i, term: 1, kind: 'command', payload: new Uint8Array(size) }));
}

function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

/** The first entries of these that fit, at least one. */
function within(maxBytes: number, found: readonly Entry[]): readonly Entry[] {
  let end = found.length;
  while (end > 1 && entriesBytes(found.slice(0, end)) > maxBytes) end -= 1;
  return found.slice(0, end);
}

type Step =
  | { readonly type: 'append'; readonly sizes: number[] }
  | { readonly type: 'truncate' | 'drop' | 'shrink' | 'slice'; readonly from: number; readonly length: number; readonly maxBytes: number; readonly worthACut: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('append' as const), sizes: fc.array(fc.nat(60), { maxLength: 20 }) }),
  fc.record({
    type: fc.constantFrom('truncate' as const, 'drop' as const, 'shrink' as const, 'slice' as const, 'slice' as const),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(30),
    maxBytes: fc.oneof(fc.nat(2000), fc.constant(Infinity)),
    worthACut: fc.constantFrom(0, 0, 0.5, 0.9),
  }),
);

describe('EntryList', () => {
  it('equals an array, whatever is appended, cut and dropped, and never changes what it handed out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (start, steps) => {
        const list = new EntryList(start);
        let model: Entry[] = [];
        let next = start;
        const handedOut: { readonly slice: readonly Entry[]; readonly was: readonly Entry[] }[] = [];
        for (const what of steps) {
          const first = next - model.length;
          if (what.type === 'append') {
            const more = entries(next, what.sizes);
            list.append(more);
            handedOut.push({ slice: more, was: [...more] });
            model.push(...more);
            next += more.length;
          } else {
            const index = first + Math.floor(what.from * model.length);
            if (what.type === 'truncate') {
              list.truncateAfter(index - 1);
              model = model.slice(0, index - first);
              next = first + model.length;
            } else if (what.type === 'drop') {
              list.dropBefore(index);
              model = model.slice(index - first);
            } else if (what.type === 'shrink') {
              list.shrink(index, what.maxBytes, what.worthACut);
              let exact = model;
              while (entriesBytes(exact) > what.maxBytes && (exact[0]?.index ?? Infinity) <= index) exact = exact.slice(1);
              model = what.worthACut === 0 ? exact : model.slice(list.first - first); // the tests below say how much may stay
              expect(model.length).toBeGreaterThanOrEqual(exact.length);
            } else if (index < next) {
              const to = Math.min(index + what.length, next - 1);
              const slice = list.slice(index, to, what.maxBytes);
              expect(slice).toEqual(within(what.maxBytes, model.slice(index - first, to + 1 - first)));
              expect(list.slice(index, to, what.maxBytes)).toEqual(slice);
              handedOut.push({ slice, was: [...slice] });
            }
          }
          expect([...list]).toEqual(model);
          expect({ first: list.first, next: list.next, length: list.length, bytes: list.bytes }).toEqual({ first: next - model.length, next, length: model.length, bytes: entriesBytes(model) });
          for (let at = list.first - 1; at <= next; at += 1) expect(list.at(at)).toBe(model[at - list.first]);
        }
        for (const { slice, was } of handedOut) expect(slice).toEqual(was);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps a batch in the array in which it came, and hands that out', () => {
    const list = new EntryList(1);
    const batch = entries(1, zeros(64));
    const later = entries(65, zeros(64));
    list.append(batch);
    list.append(later);
    expect(list.slice(1, 64, Infinity)).toBe(batch);
    expect(list.slice(65, 128, Infinity)).toBe(later);
    expect(list.slice(1, 128, Infinity)).toHaveLength(128);
    expect(list.slice(1, 128, Infinity)).toBe(list.slice(1, 128, Infinity));
  });

  it('drops whole batches at once, but cuts one only when enough of it goes', () => {
    const list = new EntryList(1);
    for (const first of [1, 11, 21]) list.append(entries(first, zeros(10)));
    const shrunk = (through: number, worthACut?: number): number => {
      list.shrink(through, 0, worthACut);
      return list.first;
    };
    expect([shrunk(4, 0.5), shrunk(5, 0.5), shrunk(7, 0.5), shrunk(14, 0.5), shrunk(20, 0.5), shrunk(21, 0.5), shrunk(21)]).toEqual([1, 6, 6, 11, 21, 21, 22]);
  });

  it('cuts no batch either when the bytes that may stay are most of it', () => {
    const list = new EntryList(1);
    list.append(entries(1, zeros(10)));
    const { bytes } = list;
    list.shrink(10, 0.6 * bytes, 0.5);
    expect(list.first).toBe(1);
    list.shrink(10, 0.5 * bytes, 0.5);
    expect(list.first).toBe(6);
  });

  it('lets a long batch go in small steps with less copied than it holds, and large entries that came one by one as they are done with', () => {
    const list = new EntryList(1);
    const COUNT = 4096;
    list.append(entries(1, zeros(COUNT)));
    let copied = 0;
    for (let through = 1; through <= COUNT; through += 1) {
      const { length } = list;
      list.shrink(through, 0, 0.5);
      if (list.length < length) copied += list.length;
    }
    expect(list.length).toBe(0);
    expect(copied).toBeLessThan(COUNT);
    const LARGE = 1 << 20;
    for (let i = 1; i <= 40; i += 1) list.append(entries(COUNT + i, [LARGE]));
    for (let i = 41; i <= 200; i += 1) list.append(entries(COUNT + i, [0]));
    list.shrink(COUNT + 40, 0, 0.5);
    expect(list.bytes).toBeLessThan(LARGE);
  });

  it('copies what comes one by one, so that a slice does not grow after it was handed out', () => {
    const list = new EntryList(1);
    list.append(entries(1, [0]));
    const slice = list.slice(1, 1, Infinity);
    for (let index = 2; index <= 3_000; index += 1) list.append(entries(index, [0]));
    expect(slice).toHaveLength(1);
    expect(list.slice(1, 3_000, Infinity).map(({ index }) => index)).toEqual(zeros(3_000).map((_, i) => i + 1));
    expect(list.at(2_000)?.index).toBe(2_000);
  });
});
