import { cpuMicrosOf } from './cpu-time.js';
import { HttpConnection, type HttpAddress } from './http-connection.js';
import { closedLoop, openLoop, type Load, type Put } from './load.js';

/** What every put writes, and to how many keys in turn. */
export const VALUE_BYTES = 256;
const VALUE = 'v'.repeat(VALUE_BYTES);
const KEYS = 10_000;
/** Connections that an open loop may use at once. */
const OPEN_CALLERS = 256;
/** The part of a measurement that goes before it, for caches and compilers to warm. */
export const WARM_SHARE = 0.2;
/** Compilers and caches are to know the work before the first load is measured. */
export const WARM_CLIENTS = 16;

export function keyOf(put: number): string {
  return `key-${String(put % KEYS).padStart(8, '0')}`;
}

/** A put to this key as `rxraft serve` takes it, in Latin-1. */
export function putRequest(key: string): string {
  return `PUT /kv/${key} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${VALUE_BYTES}\r\n\r\n${VALUE}`;
}

/** A cluster that puts can be measured on. */
export interface Store {
  readonly name: string;
  /** So many callers, each of which waits for its answer before it puts again. */
  closed(callers: number, seconds: number): Promise<Load>;
}

/** A cluster that takes puts at a fixed rate, whether or not earlier ones are answered. */
export interface OpenStore {
  readonly name: string;
  open(perSecond: number, seconds: number): Promise<Load>;
}

/** A cluster whose leader takes puts over HTTP. */
export class HttpStore implements Store, OpenStore {
  #puts = 0;

  constructor(
    readonly name: string,
    /** Where the leader serves at the moment. */
    readonly leader: () => Promise<HttpAddress>,
    /** The request for a put to this key, in Latin-1. */
    readonly requestOf: (key: string) => string,
    /** Its processes. */
    readonly pids: () => readonly number[],
  ) {}

  closed(callers: number, seconds: number): Promise<Load> {
    return this.#connected(callers, async (puts) => {
      await closedLoop(puts, seconds * WARM_SHARE);
      const before = cpuMicrosOf(this.pids());
      const load = await closedLoop(puts, seconds);
      const after = cpuMicrosOf(this.pids());
      return before === null || after === null ? load : { ...load, cpuMicros: (after - before) / (load.committed + load.refused) };
    });
  }

  open(perSecond: number, seconds: number): Promise<Load> {
    return this.#connected(OPEN_CALLERS, async (puts) => {
      await openLoop(puts, { perSecond, seconds: seconds * WARM_SHARE });
      return openLoop(puts, { perSecond, seconds });
    });
  }

  async #connected<T>(count: number, run: (puts: readonly Put[]) => Promise<T>): Promise<T> {
    const address = await this.leader();
    const connections: HttpConnection[] = [];
    try {
      for (let i = 0; i < count; i += 1) connections.push(await HttpConnection.open(address));
      return await run(connections.map((connection) => async () => (await connection.send(this.requestOf(keyOf((this.#puts += 1))))) < 300));
    } finally {
      for (const connection of connections) connection.close();
    }
  }
}
