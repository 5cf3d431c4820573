import type { IncomingMessage } from 'node:http';
import { HttpProblem } from './problem.js';

/** How long the rest of a request that is answered already may take to arrive. */
const DISCARD_MS = 500;

/** The body's length as the client declares it, `maxBytes` when it declares none. @throws {HttpProblem} 413 when it is more. */
export function declaredLength(incoming: IncomingMessage, maxBytes: number): number {
  const declared = incoming.headers['content-length'];
  if (declared === undefined) return maxBytes;
  const length = Number(declared);
  if (length > maxBytes) throw tooLarge(maxBytes);
  return length;
}

/**
 * The body of a request that is here whole, as most are that come in one piece with their headers: it needs no listener and no
 * timer. Null when it is not here whole.
 * @throws {HttpProblem} 413 when it is larger than `maxBytes`.
 */
export function takeBody(incoming: IncomingMessage, maxBytes: number): Uint8Array | null {
  if (!incoming.complete || incoming.destroyed) return null;
  const body = (incoming.read() as Buffer | null) ?? Buffer.alloc(0);
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

/**
 * Reads a request's body. Leaves no listener and no timer behind, however it ends.
 * @throws {HttpProblem} 413 as soon as more than `maxBytes` arrived, 408 when the body is not there within
 *   `timeoutMs`, 400 when the client goes away before its end.
 */
export function readBody(incoming: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) fail(tooLarge(maxBytes));
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      release();
      resolve(Buffer.concat(chunks, bytes));
    };
    const onGone = (): void => fail(new HttpProblem(400, 'aborted', 'the connection closed before the end of the body'));
    const timer = setTimeout(() => fail(new HttpProblem(408, 'slow_client', `the body did not arrive within ${timeoutMs} ms`, { Connection: 'close' })), timeoutMs);
    const release = (): void => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
    };
    const fail = (problem: HttpProblem): void => {
      release();
      incoming.on('error', () => undefined); // the client's reset is of no interest any more
      incoming.pause();
      reject(problem);
    };
    incoming.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    if (incoming.destroyed) onGone();
  });
}

/** Reads on for a moment after an answer that came before the request's end, so that the client gets to see it; then cuts it off. */
export function discardRest(incoming: IncomingMessage): void {
  const timer = setTimeout(() => incoming.socket.destroySoon(), DISCARD_MS).unref();
  incoming.once('close', () => clearTimeout(timer));
  incoming.resume();
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, 'too_large', `the body is larger than ${maxBytes} bytes`);
}
