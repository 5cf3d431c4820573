import type { LogIndex, Term } from '../core/ids.js';
import type { Applied } from '../node/raft-node.js';
import type { ErrorsAcross } from './errors-across.js';
import { OwnResult } from './machine-proxy.js';
import type { ToApplication } from './messages.js';

/** A `proposed` that may still grow. */
interface Run {
  readonly type: 'proposed';
  readonly id: number;
  count: number;
  readonly index: LogIndex;
  readonly term: Term;
}

export interface ProposalAnswersParts {
  readonly post: (message: ToApplication) => void;
  readonly errors: ErrorsAcross;
  /** A call is answered. */
  readonly onAnswered: (id: number) => void;
}

/**
 * What the node says to the application's proposals. The answers of a turn cross once the turn is over, as a promise's would:
 * behind the turn's events. Neighbours that stand side by side in the log are answered as one.
 */
export class ProposalAnswers {
  #answers: ToApplication[] = [];
  /** The last of the answers, if others may join it. */
  #run: Run | null = null;

  constructor(private readonly parts: ProposalAnswersParts) {}

  resolved(id: number, { index, term, value }: Applied<unknown>): void {
    const run = this.#run;
    if (!(value instanceof OwnResult)) {
      this.#add(id, { type: 'forwarded', id, index, term, value: value as Uint8Array }); // the result codec's
    } else if (run !== null && id === run.id + run.count && index === run.index + run.count && term === run.term) {
      this.parts.onAnswered(id);
      run.count += 1;
    } else {
      const begun: Run = { type: 'proposed', id, count: 1, index, term };
      this.#add(id, begun);
      this.#run = begun;
    }
  }

  refused(id: number, error: unknown): void {
    this.#add(id, { type: 'refused', id, error: this.parts.errors.encode(error) });
  }

  #add(id: number, answer: ToApplication): void {
    this.parts.onAnswered(id);
    if (this.#answers.length === 0) queueMicrotask(this.#send);
    this.#answers.push(answer);
    this.#run = null;
  }

  readonly #send = (): void => {
    const answers = this.#answers;
    this.#answers = [];
    this.#run = null;
    for (const answer of answers) this.parts.post(answer);
  };
}
