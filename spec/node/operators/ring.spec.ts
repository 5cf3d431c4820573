import * as fc from 'fast-check';
import { Ring } from '../../../lib/node/operators/ring.js';

describe('Ring', () => {
  test('keeps the newest items in order and gives each that has to leave', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.option(fc.nat(), { freq: 8 }), { maxLength: 60 }), (capacity, steps) => {
        const ring = new Ring<{ n: number }>(capacity);
        let model: number[] = [];
        for (const step of steps) {
          if (step === null) {
            expect(ring.takeAll().map(({ n }) => n)).toEqual(model);
            model = [];
            continue;
          }
          model.push(step);
          expect(ring.push({ n: step })?.n).toBe(model.length > capacity ? model.shift() : undefined);
          expect([ring.length, ring.isFull]).toEqual([model.length, model.length === capacity]);
          expect([-1, ...model.keys(), model.length].map((i) => ring.at(i)?.n)).toEqual([undefined, ...model, undefined]);
        }
      }),
    );
  });
});
