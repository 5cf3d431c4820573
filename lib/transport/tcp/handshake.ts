import type { Socket } from 'node:net';
import { encodeVersion, OtherVersionError, readGreeting, type Greeting } from './greeting.js';

/** The reason when the other side has closed the connection without an error. */
export const CLOSED_EARLY = 'closed before the greeting';

export interface HandshakeOutcome {
  /** The other side's greeting. `rest` is what arrived after it. The socket is the caller's from here on. */
  greeted(greeting: Greeting, rest: Buffer): void;
  /** There will be no greeting; the socket is destroyed. `isSilent` when not a byte arrived. */
  failed(reason: string, isSilent: boolean): void;
}

/**
 * Waits for the other side's greeting, for `timeoutMs` at most; exactly one of the outcomes is called, once.
 * Until then no more than a greeting's bytes are kept. Who greets in another version is told which one this build
 * speaks, so that the reason can be read on both sides. Returns a function that gives up.
 */
export function awaitGreeting(socket: Socket, timeoutMs: number, outcome: HandshakeOutcome): (reason: string) => void {
  let received: Buffer = Buffer.alloc(0);
  let error = '';
  let isDone = false;
  const timer = setTimeout(() => {
    fail(`no greeting within ${timeoutMs} ms`);
  }, timeoutMs);

  const settle = (): boolean => {
    if (isDone) return false;
    isDone = true;
    clearTimeout(timer);
    socket.off('data', onData).off('error', onError).off('close', onClose);
    return true;
  };
  const fail = (reason: string, lastWords: Uint8Array | null = null): void => {
    if (!settle()) return;
    socket.on('error', () => undefined); // what still goes wrong with it is of no interest
    if (lastWords === null) socket.destroy();
    else socket.end(lastWords, () => socket.destroy());
    outcome.failed(reason, received.length === 0);
  };
  const onData = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const read = readGreeting(received);
      if (read !== null && settle()) outcome.greeted(read.greeting, read.rest);
    } catch (cause) {
      fail(cause instanceof Error ? cause.message : String(cause), cause instanceof OtherVersionError ? encodeVersion() : null);
    }
  };
  const onError = (cause: Error): void => {
    error = cause.message;
  };
  const onClose = (): void => {
    fail(error === '' ? CLOSED_EARLY : error);
  };
  socket.on('data', onData).on('error', onError).on('close', onClose);
  return fail;
}
