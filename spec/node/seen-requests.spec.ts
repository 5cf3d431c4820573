import { SeenRequests } from '../../lib/node/seen-requests.js';

describe('SeenRequests', () => {
  test('a request is new once, for each peer on its own', () => {
    const seen = new SeenRequests();
    expect([seen.isNew('a', 1), seen.isNew('a', 1), seen.isNew('b', 1), seen.isNew('b', 1)]).toEqual([true, false, true, false]);
  });

  test('thousands of later requests do not make it new again', () => {
    const seen = new SeenRequests();
    for (let id = 0; id < 4096; id += 1) seen.isNew('a', id);
    expect(seen.isNew('a', 0)).toBe(false);
    for (let id = 5000; id < 9000; id += 1) seen.isNew('a', id);
    expect(seen.isNew('a', 0)).toBe(false);
  });

  test('memory is bounded: what is very old is forgotten', () => {
    const seen = new SeenRequests();
    for (let id = 0; id < 3 * 4096; id += 1) seen.isNew('a', id);
    expect(seen.isNew('a', 0)).toBe(true);
  });
});
