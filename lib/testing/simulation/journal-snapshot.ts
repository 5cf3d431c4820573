import type { JournalState } from './journal-state.js';

/** How a machine writes its snapshots. */
export interface SnapshotShape {
  /** Bytes after the state itself, so that a snapshot takes several chunks. */
  readonly paddingBytes: number;
  readonly chunkBytes: number;
  /** Waits before each chunk. */
  readonly pause: () => Promise<void>;
}

interface Header extends JournalState {
  readonly paddingBytes: number;
}

const LENGTH_BYTES = 4;

/** The state, then padding that depends on the state, so that bytes of two snapshots can't be mixed unnoticed. */
export async function* snapshotChunks(state: JournalState, { paddingBytes, chunkBytes, pause }: SnapshotShape): AsyncGenerator<Uint8Array> {
  const header = new TextEncoder().encode(JSON.stringify({ ...state, paddingBytes } satisfies Header));
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + paddingBytes);
  new DataView(bytes.buffer).setUint32(0, header.length);
  bytes.set(header, LENGTH_BYTES);
  const first = LENGTH_BYTES + header.length;
  for (let i = 0; i < paddingBytes; i += 1) bytes[first + i] = paddingAt(state, paddingBytes, i);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await pause();
    yield bytes.slice(at, at + chunkBytes);
  }
}

/** @throws {Error} when the bytes are not exactly those of one snapshot. */
export async function readSnapshotChunks(chunks: AsyncIterable<Uint8Array>): Promise<JournalState> {
  const read: number[] = [];
  for await (const chunk of chunks) read.push(...chunk);
  const bytes = Uint8Array.from(read);
  const first = LENGTH_BYTES + (bytes.length < LENGTH_BYTES ? 0 : new DataView(bytes.buffer).getUint32(0));
  const { paddingBytes, ...state } = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, first))) as Header;
  if (bytes.length !== first + paddingBytes) throw new Error(`a snapshot of ${first + paddingBytes} bytes came with ${bytes.length}`);
  for (let i = 0; i < paddingBytes; i += 1) {
    if (bytes[first + i] !== paddingAt(state, paddingBytes, i)) throw new Error(`byte ${first + i} of a snapshot is another one's`);
  }
  return state;
}

function paddingAt({ index, digest }: JournalState, paddingBytes: number, at: number): number {
  return (index + digest + paddingBytes + 31 * at) & 0xff;
}
