/** A head longer than this is none of a server that is measured here. */
const MAX_HEAD_BYTES = 16 * 1024;

/**
 * Reads the responses of one HTTP/1.1 connection, one at a time, from whatever pieces they come in. It knows what the servers
 * measured here send to a put: a status and a body of a length that is told beforehand. All else is an error, never guessed at.
 */
export class ResponseReader {
  /** What is there of the head; bytes as Latin-1 characters. */
  #head = '';
  #status = 0;
  /** Bytes of the body that have not come; null while the head is read. */
  #left: number | null = null;

  /** Takes the next piece; the status once the response is whole, null before. @throws {Error} for what it does not know. */
  push(chunk: Buffer): number | null {
    if (this.#left !== null) return this.#body(chunk.length);
    const before = this.#head.length;
    this.#head += chunk.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) throw new Error(`a response's head is longer than ${MAX_HEAD_BYTES} bytes`);
      return null;
    }
    const rest = this.#head.length - end - 4;
    this.#parse(this.#head.slice(0, end));
    this.#head = '';
    return this.#body(rest);
  }

  #parse(head: string): void {
    const status = /^HTTP\/1\.1 (\d{3})[ \r]/.exec(`${head}\r`)?.[1];
    if (status === undefined) throw new Error(`not the beginning of a response: ${JSON.stringify(head.slice(0, 80))}`);
    this.#status = Number(status);
    const length = /\r\ncontent-length: *(\d+) *(?:\r|$)/i.exec(head)?.[1];
    if (length === undefined && this.#status !== 204 && this.#status !== 304) throw new Error(`a response without a content-length: ${JSON.stringify(head.slice(0, 200))}`);
    this.#left = Number(length ?? 0);
  }

  #body(bytes: number): number | null {
    const left = (this.#left ?? 0) - bytes;
    if (left < 0) throw new Error(`${-left} bytes came after a response to the only request`);
    this.#left = left === 0 ? null : left;
    return left === 0 ? this.#status : null;
  }
}
