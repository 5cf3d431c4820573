import { Writable } from 'node:stream';
import { Outbox } from '../../../lib/transport/tcp/outbox.js';

/** A socket that takes what it is given only when told. */
class SlowSocket extends Writable {
  readonly writes: Buffer[][] = [];
  #done: ((error?: Error | null) => void) | null = null;
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk));
    this.#done = done;
  }
  takeAll(): void {
    const done = this.#done;
    this.#done = null;
    done?.();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.writes.flat());
  }
}

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

describe('Outbox', () => {
  it('gives a turn of small frames to the socket in one write of one buffer', () => {
    const outbox = new Outbox(10_000, 100_000);
    const socket = new SlowSocket();
    for (const byte of [1, 2, 3]) outbox.push([filled(1, byte), filled(2, byte)], 3, false);
    outbox.writeTo(socket);
    expect(socket.writes.map((chunks) => chunks.map((chunk) => [...chunk]))).toEqual([[[1, 1, 1, 2, 2, 2, 3, 3, 3]]]);
  });

  it('gives large parts by reference, with what is small between them copied together, in one write', () => {
    const outbox = new Outbox(10_000_000, 10_000_000);
    const socket = new SlowSocket();
    const [large, other] = [filled(50_000, 9), filled(60_000, 8)];
    outbox.push([filled(1, 1), large], 50_001, false);
    outbox.push([filled(1, 2)], 1, false);
    outbox.push([filled(1, 3), other, filled(1, 4)], 60_002, false);
    outbox.writeTo(socket);
    expect(socket.writes).toHaveLength(1);
    expect(socket.writes[0]?.map((chunk) => chunk.length)).toEqual([1, 50_000, 2, 60_000, 1]);
    expect(socket.writes[0]?.[1]?.buffer).toBe(large.buffer);
  });

  it('sends urgent frames before bulk', () => {
    const outbox = new Outbox(10_000, 100_000);
    const socket = new SlowSocket();
    outbox.push([filled(1, 1)], 1, false);
    outbox.push([filled(1, 2)], 1, true);
    outbox.push([filled(1, 3)], 1, false);
    outbox.push([filled(1, 4)], 1, true);
    outbox.writeTo(socket);
    expect([...socket.bytes]).toEqual([2, 4, 1, 3]);
  });

  it('holds bulk back while the socket has enough, and lets urgent frames pass', () => {
    const outbox = new Outbox(10_000_000, 1000);
    const socket = new SlowSocket();
    for (let byte = 1; byte <= 3; byte += 1) outbox.push([filled(600, byte)], 600, false);
    outbox.writeTo(socket);
    expect(socket.writableLength).toBe(1200);
    outbox.push([filled(1, 9)], 1, true);
    outbox.writeTo(socket);
    expect(socket.writableLength).toBe(1201);
    socket.takeAll();
    socket.takeAll();
    outbox.writeTo(socket);
    expect([socket.bytes[1200], socket.bytes[1201]]).toEqual([9, 3]);
  });

  it('holds urgent frames back too when the socket takes nothing at all', () => {
    const outbox = new Outbox(10_000_000, 1000);
    const socket = new SlowSocket();
    for (let count = 0; count < 1000; count += 1) {
      outbox.push([filled(1000, 1)], 1000, true);
      outbox.writeTo(socket);
    }
    expect(socket.writableLength).toBeLessThan(300_000);
  });

  it('drops the newest when a lane is full, and takes a single frame of any size', () => {
    const outbox = new Outbox(1000, 100);
    expect(outbox.push([filled(5000, 1)], 5000, false)).toBe(true);
    expect(outbox.push([filled(1, 2)], 1, false)).toBe(false);
    expect(outbox.push([filled(900, 3)], 900, true)).toBe(true);
    expect(outbox.push([filled(200, 4)], 200, true)).toBe(false);
    outbox.writeTo(new SlowSocket());
    expect(outbox.push([filled(200, 4)], 200, true)).toBe(true);
  });

  it('counts what tiny frames cost beside their bytes', () => {
    const outbox = new Outbox(100_000, 100);
    let taken = 0;
    while (outbox.push([filled(5, 1)], 5, true)) taken += 1;
    expect(taken).toBeLessThan(1000);
    const socket = new SlowSocket();
    outbox.writeTo(socket);
    expect(socket.bytes.length).toBe(5 * taken);
    expect(outbox.push([filled(99_999, 1)], 99_999, true)).toBe(true); // all of it is free again
  });

  it('keeps the order over thousands of frames', () => {
    const outbox = new Outbox(1_000_000, 300);
    const socket = new SlowSocket();
    for (let number = 0; number < 5000; number += 1) outbox.push([Uint8Array.of(number >> 8, number)], 2, false);
    for (let count = 0; count < 100; count += 1) {
      outbox.writeTo(socket);
      socket.takeAll();
    }
    expect(socket.bytes.length).toBe(10_000);
    for (let number = 0; number < 5000; number += 1) expect(socket.bytes.readUInt16BE(number * 2)).toBe(number);
  });
});
