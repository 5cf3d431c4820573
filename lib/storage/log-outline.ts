import type { Entry } from '../core/entry.js';
import type { LogIndex, Term } from '../core/ids.js';
import type { TermStart } from '../ports/storage.js';

/** One position of a walk through a log. */
export interface LogPosition {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: Entry['kind'];
  entry(): Entry;
}

/** What recovery keeps of a log that is read once from front to back: where its terms begin, and its configurations. */
export class LogOutline {
  readonly terms: TermStart[] = [];
  readonly configurations: Entry[] = [];
  #term: Term | null = null;

  add(entry: Entry): void {
    this.#startTerm(entry.term, entry.index);
    if (entry.kind === 'configuration') this.configurations.push(entry);
  }

  /** As `add`; makes an entry, with a payload of its own, only where it is kept. */
  observe(position: LogPosition): void {
    this.#startTerm(position.term, position.index);
    if (position.kind !== 'configuration') return;
    const entry = position.entry();
    this.configurations.push({ ...entry, payload: entry.payload.slice() });
  }

  #startTerm(term: Term, first: LogIndex): void {
    if (term === this.#term) return;
    this.#term = term;
    this.terms.push({ term, first });
  }
}
