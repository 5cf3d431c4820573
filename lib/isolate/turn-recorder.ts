import type { RaftEvent, RaftEventBody } from '../core/events.js';
import type { ObservedTurn } from '../node/turn-loop.js';
import type { RaftReporter } from '../ports/reporter.js';
import type { ToApplication } from './messages.js';

/**
 * Sends every event across, those of one turn together. A turn's observer has them without the envelope, which is not worth
 * sending; a node's last words, and those of one that never ran a turn, only the reporter gets.
 */
export class TurnRecorder implements RaftReporter {
  /** Reported, and not sent. */
  #events: RaftEvent[] = [];

  constructor(private readonly post: (message: ToApplication) => void) {}

  report(event: RaftEvent): void {
    this.#events.push(event);
  }

  /** The turn is over: what was reported are its events. */
  handleTurn({ now, events }: ObservedTurn): void {
    const first = this.#events[0];
    if (first === undefined) return;
    this.post({ type: 'events', at: now, wallTime: first.wallTime, events });
    this.#events = [];
  }

  /** What was reported outside of a turn goes now, before anything that is posted after it. */
  flush(): void {
    const [first] = this.#events;
    if (first === undefined) return;
    this.post({ type: 'events', at: first.at, wallTime: first.wallTime, events: this.#events.map(bodyOf) });
    this.#events = [];
  }
}

function bodyOf(event: RaftEvent): RaftEventBody {
  const { seq: _seq, runId: _runId, nodeId: _nodeId, at: _at, wallTime: _wallTime, ...body } = event;
  return body;
}
