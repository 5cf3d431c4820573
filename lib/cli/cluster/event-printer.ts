import type { RaftEvent } from '../../core/events.js';
import { eventLine, noticeLine, type EventsMissed } from '../event-line.js';
import type { SseMessage } from '../sse-parser.js';
import type { Style, Tone } from '../style.js';

interface Line {
  readonly wallTime: number;
  readonly text: string;
}

/**
 * Prints events of several nodes as they come. Holds back what comes before `release()`, which prints it in
 * order of time: the nodes' beginnings then read as one story.
 */
export class EventPrinter {
  #held: Line[] | null = [];

  constructor(
    readonly nodeIds: readonly string[],
    readonly style: Style,
    readonly print: (line: string) => void,
    readonly wallTime: () => number,
  ) {}

  message(nodeId: string, { data }: SseMessage): void {
    const event = JSON.parse(data) as RaftEvent | EventsMissed;
    if (event.type === 'EventsMissed') return this.notice(nodeId, 'notice', `events ${event.from}–${event.to} were missed: they came faster than they were read`);
    this.#put({ wallTime: event.wallTime, text: eventLine(event, this.nodeIds, this.style) });
  }

  notice(nodeId: string, tone: Tone, text: string): void {
    const wallTime = this.wallTime();
    this.#put({ wallTime, text: noticeLine(wallTime, nodeId, this.nodeIds, tone, text, this.style) });
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    held.sort((a, b) => a.wallTime - b.wallTime); // stable: one node's events of one millisecond keep their order
    for (const { text } of held) this.print(text);
  }

  #put(line: Line): void {
    if (this.#held === null) this.print(line.text);
    else this.#held.push(line);
  }
}
