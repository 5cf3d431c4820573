/** One message of a stream of server-sent events. */
export interface SseMessage {
  /** The last id that the stream has given, with this message or before. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Far more than any event needs; what grows beyond it is not a stream of events. */
const MAX_MESSAGE_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads `text/event-stream` as the HTML standard (§9.2.6) has it, from pieces cut anywhere. Holds one
 * unfinished message at most. An instance reads one connection; carry `lastEventId` over to the next.
 */
export class SseParser {
  /** What a client sends as `Last-Event-ID` when it comes back. */
  lastEventId: string;
  /** How long the server wants a client to wait before it comes back; null when it said nothing. */
  retryMs: number | null = null;
  /** The unfinished line. */
  #line = '';
  #isFirst = true;
  /** The last piece ended in CR: an LF that follows belongs to it. */
  #skipsLineFeed = false;
  #event = '';
  #data = '';
  /** Becomes `lastEventId` at the end of the block. */
  #id: string;

  constructor(lastEventId = '') {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** The messages that this piece completes. @throws {Error} when one is too large to be an event. */
  push(piece: string): SseMessage[] {
    const messages: SseMessage[] = [];
    let text = piece;
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    if (this.#skipsLineFeed && text !== '') {
      this.#skipsLineFeed = false;
      if (text.startsWith('\n')) text = text.slice(1);
    }
    let start = 0;
    const ends = new LineEnds(text);
    for (let end = ends.from(0); end >= 0; end = ends.from(start)) {
      this.#endLine(this.#line + text.slice(start, end), messages);
      this.#line = '';
      start = end + 1;
      if (text[end] === '\r') {
        if (start === text.length) this.#skipsLineFeed = true;
        else if (text[start] === '\n') start += 1;
      }
    }
    this.#line += text.slice(start);
    if (this.#line.length + this.#data.length > MAX_MESSAGE_CHARACTERS) throw new Error(`a message of the event stream is larger than ${MAX_MESSAGE_CHARACTERS} characters`);
    return messages;
  }

  #endLine(line: string, messages: SseMessage[]): void {
    if (line === '') return this.#endBlock(messages);
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data += `${value}\n`;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #endBlock(messages: SseMessage[]): void {
    this.lastEventId = this.#id;
    if (this.#data !== '') messages.push({ id: this.#id, event: this.#event === '' ? 'message' : this.#event, data: this.#data.slice(0, -1) });
    this.#event = '';
    this.#data = '';
  }
}

/** Finds the ends of lines from left to right, looking at each character twice at most. */
class LineEnds {
  #lineFeed = -2;
  #carriageReturn = -2;

  constructor(readonly text: string) {}

  /** The first end of a line at or after `start`; -1 when there is none. */
  from(start: number): number {
    if (this.#lineFeed !== -1 && this.#lineFeed < start) this.#lineFeed = this.text.indexOf('\n', start);
    if (this.#carriageReturn !== -1 && this.#carriageReturn < start) this.#carriageReturn = this.text.indexOf('\r', start);
    if (this.#lineFeed < 0 || this.#carriageReturn < 0) return Math.max(this.#lineFeed, this.#carriageReturn);
    return Math.min(this.#lineFeed, this.#carriageReturn);
  }
}
