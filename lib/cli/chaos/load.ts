import type { Answer } from './answers.js';

/** What clients did. */
export type LoadOperation = 'get' | 'put' | 'cas' | 'delete' | 'entry' | 'session-put' | 'session-cas' | 'session-delete';

/** How many calls there were, by operation and outcome, and why those failed that did. */
export class Load {
  readonly #counts = new Map<string, number>();
  readonly #reasons = new Map<string, number>();

  /** How often sessions have proposed a command again. */
  resent = 0;

  note(operation: LoadOperation, answer: Answer<unknown>): void {
    add(this.#counts, `${operation} ${answer.type}`);
    if (answer.type !== 'answered') add(this.#reasons, `${answer.type}: ${answer.why}`);
  }

  count(outcome: Answer['type']): number {
    return [...this.#counts].reduce((sum, [name, count]) => sum + (name.endsWith(` ${outcome}`) ? count : 0), 0);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }

  /** The most frequent first. */
  get reasons(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#reasons].sort(([, a], [, b]) => b - a));
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
