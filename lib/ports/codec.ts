/** Turns values into bytes and back. What `decode(encode(x))` gives must mean the same as `x`. */
export interface Codec<T> {
  /** The bytes belong to the caller: the codec neither keeps nor reuses them. @throws when the value can't be encoded. */
  encode(value: T): Uint8Array;
  /** Copies what it keeps of `bytes`. @throws {Error} when the bytes are not an encoded value. */
  decode(bytes: Uint8Array): T;
}

/** Commands that are bytes already: nothing is copied. */
export const bytesCodec: Codec<Uint8Array> = Object.freeze({
  encode: (value: Uint8Array) => value,
  decode: (bytes: Uint8Array) => bytes,
});
