import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventType } from '../../core/events.js';
import { isEventType } from '../event-kinds.js';
import type { EventFeed } from './event-feed.js';
import { EventStream, type EventStreamOptions } from './event-stream.js';
import type { HttpLimits } from './limits.js';
import { badParameter, choiceParam, paramsOf, targetOf } from './params.js';
import { HttpProblem } from './problem.js';

/**
 * `GET /events`: opens and counts the event streams. Written on Node's own response, whose back-pressure it
 * needs, so it stands before the router.
 */
export class EventStreams {
  readonly #open = new Map<ServerResponse, EventStream>();

  constructor(
    readonly feed: EventFeed,
    readonly limits: HttpLimits,
  ) {}

  get count(): number {
    return this.#open.size;
  }

  /** @throws {HttpProblem} when the request asks for what can't be had. */
  open(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (incoming.method !== 'GET') throw new HttpProblem(405, 'method_not_allowed', 'this resource takes GET', { Allow: 'GET' });
    const params = paramsOf(targetOf(incoming.url ?? '/').query, ['type', 'since']);
    const options: EventStreamOptions = {
      types: typesOf(params.get('type')),
      from: this.#startOf(incoming.headers['last-event-id'], choiceParam(params, 'since', ['start', 'now'], 'now')),
      heartbeatMs: this.limits.heartbeatMs,
      stallMs: this.limits.streamStallMs,
    };
    if (this.#open.size >= this.limits.maxEventStreams) {
      throw new HttpProblem(503, 'overloaded', `${this.limits.maxEventStreams} event streams are open already`, { 'Retry-After': '5' });
    }
    outgoing.on('close', () => this.#open.delete(outgoing));
    this.#open.set(outgoing, new EventStream(outgoing, this.feed, options));
  }

  /** Every stream sends what there still is, then ends. */
  end(): void {
    for (const stream of this.#open.values()) stream.end();
  }

  /** After a loss of the connection: the next one. Of another run: that run's first. Otherwise what was asked for. */
  #startOf(lastEventId: string | string[] | undefined, since: 'start' | 'now'): EventStreamOptions['from'] {
    const { runId, last } = this.feed;
    if (typeof lastEventId === 'string' && lastEventId !== '') {
      const match = /^([\x21-\x7e]{1,128}):(\d{1,15})$/.exec(lastEventId);
      if (match === null) throw new HttpProblem(400, 'bad_last_event_id', 'Last-Event-ID is not one that this service gave');
      return { runId, next: match[1] === runId ? Math.min(Number(match[2]), last) + 1 : 1 };
    }
    return { runId, next: since === 'start' ? 1 : last + 1 };
  }
}

function typesOf(list: string | undefined): ReadonlySet<EventType> | null {
  if (list === undefined) return null;
  const types = new Set<EventType>();
  for (const name of list.split(',')) {
    if (!isEventType(name)) throw badParameter(`type names ${JSON.stringify(name)}, which is no kind of event`);
    types.add(name);
  }
  return types;
}
