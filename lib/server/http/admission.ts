import { HttpProblem } from './problem.js';

/** Bounds what all requests together hold: their number and the bytes of their bodies. */
export class Admission {
  #requests = 0;
  #bytes = 0;

  constructor(
    readonly maxRequests: number,
    readonly maxBytes: number,
  ) {}

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws {HttpProblem} 503 when too many requests are in progress. */
  async request<T>(run: () => Promise<T>): Promise<T> {
    if (this.#requests >= this.maxRequests) throw overloaded(`${this.maxRequests} requests are in progress already`);
    this.#requests += 1;
    try {
      return await run();
    } finally {
      this.#requests -= 1;
    }
  }

  /** Holds `bytes` of the budget while `run` lasts. @throws {HttpProblem} 503 when it is used up. */
  async holding<T>(bytes: number, run: () => Promise<T>): Promise<T> {
    if (this.#bytes + bytes > this.maxBytes) throw overloaded(`request bodies of ${this.maxBytes} bytes are held already`);
    this.#bytes += bytes;
    try {
      return await run();
    } finally {
      this.#bytes -= bytes;
    }
  }
}

function overloaded(what: string): HttpProblem {
  return new HttpProblem(503, 'overloaded', `${what}; retry later`, { 'Retry-After': '1' });
}
