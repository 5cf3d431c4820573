/** Looked up once: in the sandboxes of test runners every look at a global is slow. */
const imul = Math.imul.bind(Math);
/** Where the lower half of a number's bits lies on this machine, so that the hash is the same on all. */
const LOW_WORD = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;

/** A 64-bit hash over plain data in a stream: field names, order, every bit of every number and every byte count. Not for secrets. */
export class StructuralHash {
  #low = 0x811c9dc5;
  #high = 0x01000193;
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);
  /** Texts repeat: kinds, field names, ids. */
  readonly #texts = new Map<string, number>();

  get digest(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  add(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.#number(value);
        break;
      case 'string':
        this.#mix(this.#text(value));
        break;
      case 'object':
        this.#object(value);
        break;
      default:
        this.#mix(value === true ? 1 : value === false ? 2 : 3);
    }
  }

  #number(value: number): void {
    const word = value | 0;
    if (word === value) {
      this.#mix(word);
      return;
    }
    this.#float[0] = value;
    this.#mix(this.#words[LOW_WORD] ?? 0);
    this.#mix(this.#words[1 - LOW_WORD] ?? 0);
  }

  #object(value: object | null): void {
    if (value === null) this.#mix(4);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (Array.isArray(value)) {
      this.#mix(value.length + 5);
      for (const item of value as unknown[]) this.add(item);
    } else {
      for (const key in value) {
        this.#mix(this.#text(key));
        this.add((value as Record<string, unknown>)[key]);
      }
      this.#mix(6);
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.#mix(bytes.length);
    for (let i = 0; i < bytes.length; i += 1) this.#mix(bytes[i] ?? 0);
  }

  #text(text: string): number {
    let hash = this.#texts.get(text);
    if (hash === undefined) {
      hash = 0x811c9dc5;
      for (let i = 0; i < text.length; i += 1) hash = imul(hash ^ text.charCodeAt(i), 0x01000193);
      this.#texts.set(text, hash);
    }
    return hash;
  }

  #mix(word: number): void {
    this.#low = imul(this.#low ^ word, 0x01000193);
    this.#high = imul(((this.#high << 5) | (this.#high >>> 27)) ^ this.#low ^ word, 0x85ebca6b);
  }
}
