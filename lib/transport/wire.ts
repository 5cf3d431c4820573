/** How messages between nodes look as bytes. Used by every transport that leaves the thread. */
export { decodeMessage } from './wire/decode.js';
export { encodeEntries, WireEncoder } from './wire/encode.js';
export { isUrgent, WIRE_KIND } from './wire/kinds.js';
