import { isValidId, type LogId, type NodeId } from '../../core/ids.js';

/** Reads the elements of a message one after the other and says what is wrong with the first bad one. Each method throws an `Error`. */
export class Fields {
  #at = 0;

  constructor(
    private readonly name: string,
    private readonly values: readonly unknown[],
  ) {}

  /** A safe integer from 0 on. */
  uint(field: string): number {
    const value = this.#next();
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.#bad(field, 'a whole number ≥ 0');
    return value + 0; // −0 becomes 0
  }

  uint32(field: string): number {
    const value = this.uint(field);
    if (value > 0xffffffff) throw this.#bad(field, 'below 2^32');
    return value;
  }

  boolean(field: string): boolean {
    const value = this.#next();
    if (typeof value !== 'boolean') throw this.#bad(field, 'true or false');
    return value;
  }

  bytes(field: string): Uint8Array {
    const value = this.#next();
    if (!(value instanceof Uint8Array)) throw this.#bad(field, 'bytes');
    return value;
  }

  text(field: string, maxLength: number): string {
    const value = this.#next();
    if (typeof value !== 'string' || value.length > maxLength) throw this.#bad(field, `a text of at most ${maxLength} characters`);
    return value;
  }

  /** One of a list, sent as its place there. */
  oneOf<T>(field: string, list: readonly T[]): T {
    const value = list[this.uint(field)];
    if (value === undefined) throw this.#bad(field, `below ${list.length}`);
    return value;
  }

  array(field: string): readonly unknown[] {
    const value = this.#next();
    if (!Array.isArray(value)) throw this.#bad(field, 'an array');
    return value as readonly unknown[];
  }

  /** Two elements: index, then term. */
  logId(field: string): LogId {
    return { index: this.uint(`${field}.index`), term: this.uint(`${field}.term`) };
  }

  idOrNull(field: string): NodeId | null {
    const value = this.#next();
    if (value === null) return null;
    if (typeof value !== 'string' || !isValidId(value)) throw this.#bad(field, 'a node id or null');
    return value;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at !== this.values.length) throw new Error(`${this.name} has ${this.values.length} elements; expected ${this.#at}`);
  }

  #next(): unknown {
    if (this.#at >= this.values.length) throw new Error(`${this.name} has only ${this.values.length} elements`);
    const value = this.values[this.#at];
    this.#at += 1;
    return value;
  }

  #bad(field: string, expected: string): Error {
    return new Error(`${this.name}.${field} is not ${expected}`);
  }
}
