import type { Codec } from '../ports/codec.js';
import type { ErrorsAcross } from './errors-across.js';
import type { MachineHost } from './machine-host.js';
import type { ToApplication } from './messages.js';
import type { PendingCalls } from './pending-calls.js';

type Answer = Extract<ToApplication, { type: 'proposed' | 'forwarded' | 'readable' | 'answered' | 'refused' }>;

export interface AnswersParts<C, R, Q, A> {
  readonly calls: PendingCalls;
  readonly host: MachineHost<C, R, Q, A>;
  readonly errors: ErrorsAcross;
  readonly valueCodec: Codec<unknown>;
}

/** What the node's thread says to the application's calls, and what the state machine here adds to it. */
export class Answers<C, R, Q, A> {
  /** The newest proof of the state's freshness, monotonic ms. */
  freshAt = -Infinity;

  constructor(private readonly parts: AnswersParts<C, R, Q, A>) {}

  handle(answer: Answer): void {
    if (answer.type === 'proposed') return this.resolveRun(answer);
    if (answer.type === 'readable') this.freshAt = Math.max(this.freshAt, answer.freshAt);
    const call = this.parts.calls.get(answer.id);
    if (call === undefined) return;
    const { host, errors, valueCodec, calls } = this.parts;
    try {
      switch (answer.type) {
        case 'forwarded': {
          const { index, term, value } = answer;
          return call.resolve({ index, term, value: valueCodec.decode(value) });
        }
        case 'readable': {
          const given = host.query(call.content as Q);
          return given instanceof Promise ? calls.answerLater(call, given) : call.resolve(given);
        }
        case 'answered':
          return call.resolve(answer.value);
        case 'refused':
          return call.reject(errors.revive(answer.error, call.signal?.reason));
        default:
          return answer satisfies never;
      }
    } catch (error) {
      call.reject(error); // what the query threw; or the command is done on the leader, but this node can't read the result
    }
  }

  private resolveRun({ id, count, index, term }: Extract<Answer, { type: 'proposed' }>): void {
    const { calls, host } = this.parts;
    for (let i = 0; i < count; i += 1) calls.get(id + i)?.resolve({ index: index + i, term, value: host.resultAt(index + i) });
  }
}
