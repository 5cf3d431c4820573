import { HttpProblem } from './problem.js';

/** Bounds what all requests together hold: their number and the bytes of their bodies. */
export class Admission {
  #requests = 0;
  #bytes = 0;

  constructor(
    readonly maxRequests: number,
    readonly maxBytes: number,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** A request begins that may hold so many bytes; `leave` must follow. @throws {HttpProblem} 503 at a bound. */
  enter(bytes: number): void {
    if (this.#requests >= this.maxRequests) throw overloaded(`${this.maxRequests} requests are in progress already`);
    if (this.#bytes + bytes > this.maxBytes) throw overloaded(`request bodies of ${this.maxBytes} bytes are held already`);
    this.#requests += 1;
    this.#bytes += bytes;
  }

  /** It is over. */
  leave(bytes: number): void {
    this.#requests -= 1;
    this.#bytes -= bytes;
  }

  /** Runs one that is admitted. @throws {HttpProblem} 503 at a bound; what `run` throws. */
  async during<T>(bytes: number, run: () => Promise<T>): Promise<T> {
    this.enter(bytes);
    try {
      return await run();
    } finally {
      this.leave(bytes);
    }
  }
}

function overloaded(what: string): HttpProblem {
  return new HttpProblem(503, 'overloaded', `${what}; retry later`, { 'Retry-After': '1' });
}
