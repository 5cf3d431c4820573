import type { Terminal } from './terminal.js';

const BAR_WIDTH = 20;
/** Often enough to see that it goes on, seldom enough for a log. */
const LINE_EVERY_MS = 30_000;

/** How far something long has come: a bar where a person watches, a line every half minute where nobody does. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #nextLineAt: number;

  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
    this.#nextLineAt = now() + LINE_EVERY_MS;
  }

  /** @param share of the whole, from 0 to 1. */
  show(share: number, text: string): void {
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    if (this.#terminal.isInteractive) {
      this.#terminal.progress(`${'█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░')} ${percent}  ${text}`);
    } else if (this.#now() >= this.#nextLineAt) {
      this.#nextLineAt = this.#now() + LINE_EVERY_MS;
      this.#terminal.line(`${percent}  ${text}`);
    }
  }

  /** Takes the bar away. */
  end(): void {
    this.#terminal.progress('');
  }
}
