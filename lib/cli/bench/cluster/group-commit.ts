import type { FileHandle } from 'node:fs/promises';

/** Appends to a file: what comes while one `fdatasync` runs goes into the next one together. */
export class GroupCommit {
  #chunks: Uint8Array[] = [];
  /** Resolves when what waits is on the disk; null while nothing waits. */
  #next: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(readonly file: Pick<FileHandle, 'write' | 'datasync'>) {}

  /** Resolves once the chunks are durable. */
  append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#chunks.push(...chunks);
    this.#next ??= this.#running = this.#running.then(() => this.#sync());
    return this.#next;
  }

  async #sync(): Promise<void> {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#next = null;
    await this.file.write(bytes);
    await this.file.datasync();
  }
}
