const MAX_BUCKET = 256;
const MIN_BUCKET = 64;

/** A run of neighbouring keys. Belongs to the map alone while `epoch` is the map's; otherwise a view holds it too. */
interface Bucket<V> {
  readonly epoch: number;
  readonly keys: string[];
  readonly values: V[];
}

/** The map as it was at one moment. */
export interface SortedView<V> {
  readonly size: number;
  entries(): IterableIterator<readonly [string, V]>;
}

/**
 * A map in key order (UTF-16 code units) whose views are isolated from later writes.
 *
 * Keys live in buckets of up to 256. A view takes the list of buckets and leaves the buckets where they are;
 * the first write to a bucket after that copies this bucket alone. So a view of a million keys costs a list
 * of some thousand references, and reads and writes stay logarithmic.
 */
export class SortedMap<V> {
  /** In key order, none empty but a sole first one. */
  #buckets: Bucket<V>[] = [];
  #epoch = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const bucket = this.#buckets[this.#bucketOf(key)];
    if (bucket === undefined) return undefined;
    const at = lowerBound(bucket.keys, key);
    return bucket.keys[at] === key ? bucket.values[at] : undefined;
  }

  /** Stores a value and returns the one it replaces. */
  set(key: string, value: V): V | undefined {
    const index = this.#bucketOf(key);
    const bucket = this.#own(index);
    const at = lowerBound(bucket.keys, key);
    if (bucket.keys[at] === key) {
      const previous = bucket.values[at];
      bucket.values[at] = value;
      return previous;
    }
    bucket.keys.splice(at, 0, key);
    bucket.values.splice(at, 0, value);
    this.#size += 1;
    if (bucket.keys.length > MAX_BUCKET) this.#split(index, bucket);
    return undefined;
  }

  /** Removes a key and returns its value. */
  delete(key: string): V | undefined {
    const index = this.#bucketOf(key);
    const shared = this.#buckets[index];
    if (shared === undefined) return undefined;
    const at = lowerBound(shared.keys, key);
    if (shared.keys[at] !== key) return undefined;
    const bucket = this.#own(index);
    const previous = bucket.values[at];
    bucket.keys.splice(at, 1);
    bucket.values.splice(at, 1);
    this.#size -= 1;
    if (bucket.keys.length < MIN_BUCKET) this.#merge(index, bucket);
    return previous;
  }

  /** Entries from the first key that is at least `from`. Not to be used across a write: take a `view` for that. */
  *entriesFrom(from: string): IterableIterator<readonly [string, V]> {
    const index = this.#bucketOf(from);
    const bucket = this.#buckets[index];
    yield* entriesOf(this.#buckets, index, bucket === undefined ? 0 : lowerBound(bucket.keys, from));
  }

  /** The present content, whatever is written afterwards. */
  view(): SortedView<V> {
    const buckets = this.#buckets.slice();
    this.#epoch += 1;
    return { size: this.#size, entries: () => entriesOf(buckets, 0, 0) };
  }

  /** The bucket in which the key is or belongs: the last that begins at or before it. */
  #bucketOf(key: string): number {
    let low = 0;
    let high = this.#buckets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#buckets[middle]?.keys[0];
      if (first !== undefined && first <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The bucket at `index`, made this map's own first if a view shares it. */
  #own(index: number): Bucket<V> {
    const bucket = this.#buckets[index];
    if (bucket?.epoch === this.#epoch) return bucket;
    const own: Bucket<V> = { epoch: this.#epoch, keys: bucket?.keys.slice() ?? [], values: bucket?.values.slice() ?? [] };
    this.#buckets[index] = own;
    return own;
  }

  #split(index: number, bucket: Bucket<V>): void {
    // An ascending load fills the last bucket only: cutting off its end keeps the others full.
    const at = index === this.#buckets.length - 1 ? MAX_BUCKET - MIN_BUCKET : MAX_BUCKET / 2;
    const right: Bucket<V> = { epoch: this.#epoch, keys: bucket.keys.splice(at), values: bucket.values.splice(at) };
    this.#buckets.splice(index + 1, 0, right);
  }

  /** Joins a small bucket with its right neighbour when both fit well into one; drops it when it is empty. */
  #merge(index: number, bucket: Bucket<V>): void {
    const right = this.#buckets[index + 1];
    if (bucket.keys.length === 0) {
      this.#buckets.splice(index, 1);
    } else if (right !== undefined && bucket.keys.length + right.keys.length <= MAX_BUCKET / 2) {
      bucket.keys.push(...right.keys);
      bucket.values.push(...right.values);
      this.#buckets.splice(index + 1, 1);
    }
  }
}

function* entriesOf<V>(buckets: readonly Bucket<V>[], startBucket: number, startKey: number): IterableIterator<readonly [string, V]> {
  for (let b = startBucket; b < buckets.length; b += 1) {
    const { keys, values } = buckets[b] ?? { keys: [], values: [] };
    for (let k = b === startBucket ? startKey : 0; k < keys.length; k += 1) {
      yield [keys[k] ?? '', values[k] as V]; // k is within both
    }
  }
}

/** The first position whose key is at least `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const probe = keys[middle];
    if (probe !== undefined && probe < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
