import type { Clock } from '../../ports/clock.js';

/** So much goes through at a time; it is also the largest piece. */
export const PACE_BYTES = 256 << 10;

/** What a piece costs beside its bytes: a stream of tiny ones takes the thread by their number. */
const PIECE_COST_BYTES = 1 << 10;

/**
 * The same bytes in pieces of at most `PACE_BYTES`; after that many it lets go of the thread, so that
 * a stream that never waits for anything holds no timer and no socket back.
 */
export async function* paced(chunks: AsyncIterable<Uint8Array>, clock: Pick<Clock, 'yield'>): AsyncGenerator<Uint8Array, void, undefined> {
  let spent = 0;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += PACE_BYTES) {
      const piece = chunk.subarray(from, from + PACE_BYTES);
      const cost = Math.max(piece.length, PIECE_COST_BYTES);
      if (spent > 0 && spent + cost > PACE_BYTES) {
        await new Promise<void>((resolve) => clock.yield(resolve));
        spent = 0;
      }
      spent += cost;
      yield piece;
    }
  }
}
