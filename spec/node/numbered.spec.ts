import fc from 'fast-check';
import { Numbered } from '../../lib/node/numbered.js';

describe('numbered things', () => {
  it('are found by their numbers, which ascend, until they are deleted, in whatever order that is', () => {
    const steps = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: fc.nat() }), { minLength: 1, maxLength: 2000 });
    fc.assert(
      fc.property(steps, (deletions) => {
        const numbered = new Numbered<object>();
        const model = new Map<number, object>();
        for (const deletion of deletions) {
          if (deletion === null) {
            const thing = {};
            const number = numbered.add(thing);
            expect(model.size === 0 || number > Math.max(...model.keys())).toBe(true);
            model.set(number, thing);
          } else {
            const number = [...model.keys()][deletion % model.size] ?? deletion;
            numbered.delete(number);
            numbered.delete(number);
            model.delete(number);
            expect(numbered.get(number)).toBeUndefined();
          }
        }
        expect(numbered.size).toBe(model.size);
        expect(numbered.values()).toEqual([...model.values()]);
        for (const [number, thing] of model) expect(numbered.get(number)).toBe(thing);
      }),
      { numRuns: 30 },
    );
  });
});
