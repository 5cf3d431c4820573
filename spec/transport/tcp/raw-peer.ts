import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import net from 'node:net';
import { crc32 } from 'node:zlib';
import { filter, firstValueFrom, type Observable } from 'rxjs';
import { wirePacker } from '../../../lib/codec/msgpack.js';
import type { PeerMessage } from '../../../lib/ports/transport.js';
import { parseAddress } from '../../../lib/transport/tcp/options.js';
import { encodeGreeting, readGreeting, type Greeting } from '../../../lib/transport/tcp/greeting.js';
import { FRAME_HEADER_BYTES, FRAME_TYPE, sealFrame } from '../../../lib/transport/tcp/frame.js';
import { FrameReader } from '../../../lib/transport/tcp/frame-reader.js';
import { decodeMessage, WireEncoder } from '../../../lib/transport/wire.js';

/** The first value that passes. */
export const first = <T>(stream: Observable<T>, isMeant: (value: T) => boolean = () => true): Promise<T> => firstValueFrom(stream.pipe(filter(isMeant)));

export const heartbeat = (round: number): PeerMessage => ({ type: 'heartbeat', term: 1, round, commit: 0 });

/** A plain socket to a transport. */
export async function dialRaw(address: string | null): Promise<net.Socket> {
  const socket = net.connect({ ...(parseAddress(address ?? '') ?? { port: 0 }), noDelay: true });
  socket.on('error', () => undefined); // resets are expected
  await once(socket, 'connect');
  return socket;
}

/** A plain socket that has been accepted as `from`. */
export async function greetRaw(address: string | null, greeting: Partial<Greeting> = {}): Promise<net.Socket> {
  const socket = await dialRaw(address);
  socket.write(encodeGreeting({ clusterId: 'test', from: 'peer', to: 'a', refusal: '', ...greeting }));
  await once(socket, 'data');
  return socket;
}

/** Timers of this very delay run when they are told to, so that no speed of the machine matters. */
export function holdTimers(heldMs: number): () => void {
  const { setTimeout: start } = globalThis;
  const held: (() => void)[] = [];
  const hold = (callback: () => void, delayMs?: number): NodeJS.Timeout => {
    if (delayMs !== heldMs) return start(callback, delayMs);
    held.push(callback);
    return start(() => undefined, 0);
  };
  const spy = jest.spyOn(globalThis, 'setTimeout').mockImplementation(hold);
  return () => {
    spy.mockRestore();
    for (const callback of held) callback();
  };
}

/** The next socket that a server of this process accepts, on its side. */
export function nextAccepted(): Promise<net.Socket> {
  return new Promise((resolve) => {
    const take = (message: unknown): void => {
      unsubscribe('net.server.socket', take);
      resolve((message as { readonly socket: net.Socket }).socket);
    };
    subscribe('net.server.socket', take);
  });
}

/** A greeting that was changed, with the checksum of what it says now. */
export function resealed(greeting: Buffer): Buffer {
  const copy = Buffer.from(greeting);
  const end = copy.length < 7 ? 0 : 7 + copy.readUInt16BE(5);
  if (end >= 11 && end <= copy.length) copy.writeUInt32BE(crc32(copy.subarray(11, end)), 7);
  return copy;
}

/** With the checksum of what is announced and the body as it is. */
export function frame(body: Uint8Array, announcedBytes = body.length, type: number = FRAME_TYPE.message): Buffer {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  sealFrame([header, body], FRAME_HEADER_BYTES + announcedBytes, type);
  return Buffer.concat([header, body]);
}

export function messageFrame(message: PeerMessage): Buffer {
  return frame(Buffer.concat(new WireEncoder(wirePacker(), 0).encode(message)));
}

/** A server that greets as `id` and then does what it is told. */
export class RawServer {
  readonly received: PeerMessage[] = [];
  readonly sockets: net.Socket[] = [];
  readonly #server: net.Server;

  /** `change` makes another greeting of what it would say. */
  constructor(id: string, greeted: (socket: net.Socket, server: RawServer) => void, change: (greeting: Buffer) => Buffer = (greeting) => greeting) {
    this.#server = net.createServer((socket) => {
      this.sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', (chunk) => {
        const read = readGreeting(chunk);
        if (read === null) throw new Error('the greeting came in pieces');
        socket.write(change(encodeGreeting({ ...read.greeting, from: id, to: read.greeting.from })));
        greeted(socket, this);
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
  }

  /** Reads the frames of a greeted socket and answers pings; `onMessage` after each message. */
  serve(socket: net.Socket, onMessage: () => void = () => undefined): void {
    const reader = new FrameReader(1 << 30);
    const packer = wirePacker();
    socket.on('data', (chunk) => {
      reader.push(chunk);
      while (reader.next()) {
        if (reader.type === FRAME_TYPE.ping) socket.write(frame(new Uint8Array(), 0, FRAME_TYPE.pong));
        if (reader.type !== FRAME_TYPE.message) continue;
        this.received.push(decodeMessage(packer, reader.body, reader.isOwned));
        onMessage();
      }
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
