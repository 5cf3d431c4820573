import type { Codec } from '../../ports/codec.js';
import { isSessionCommand, type SessionCommand } from './commands.js';

/*
 * A session command as bytes, big-endian; numbers are float64, which is exact up to 2^53:
 *
 *   openSession   1  wallTime
 *   command       2  wallTime  session  ackedThrough  sequence  command…
 *   keepAlive     3  wallTime  session  ackedThrough
 *   closeSession  4  wallTime  session
 *   plain         5  command…
 */
const KINDS = ['openSession', 'command', 'keepAlive', 'closeSession', 'plain'] as const;
const FIELDS = {
  openSession: ['wallTime'],
  command: ['wallTime', 'session', 'ackedThrough', 'sequence'],
  keepAlive: ['wallTime', 'session', 'ackedThrough'],
  closeSession: ['wallTime', 'session'],
  plain: [],
} as const;

/**
 * The envelope around commands that have a codec of their own: the node's `commandCodec` when its machine is
 * one of `withSessions`. (A codec that carries any plain object, as the default one does, needs no envelope.)
 */
export function sessionCodec<C>(inner: Codec<C>): Codec<SessionCommand<C>> {
  return {
    encode(command) {
      const fields: readonly string[] = FIELDS[command.type];
      const payload = 'command' in command ? inner.encode(command.command) : null;
      const headBytes = 1 + 8 * fields.length;
      const bytes = new Uint8Array(headBytes + (payload?.length ?? 0));
      const view = new DataView(bytes.buffer);
      bytes[0] = 1 + KINDS.indexOf(command.type);
      fields.forEach((field, i) => view.setFloat64(1 + 8 * i, (command as unknown as Readonly<Record<string, number>>)[field] ?? NaN));
      if (payload !== null) bytes.set(payload, headBytes);
      return bytes;
    },
    decode(bytes) {
      const type = KINDS[(bytes[0] ?? 0) - 1];
      const fields: readonly string[] = type === undefined ? [] : FIELDS[type];
      const headBytes = 1 + 8 * fields.length;
      const hasPayload = type === 'command' || type === 'plain';
      if (type === undefined || bytes.length < headBytes || (!hasPayload && bytes.length > headBytes)) throw new Error('these bytes are no session command');
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const command: unknown = {
        type,
        ...Object.fromEntries(fields.map((field, i) => [field, view.getFloat64(1 + 8 * i)])),
        ...(hasPayload ? { command: inner.decode(bytes.subarray(headBytes)) } : {}),
      };
      if (!isSessionCommand(command)) throw new Error('a number of this session command is out of range');
      return command as SessionCommand<C>;
    },
  };
}
