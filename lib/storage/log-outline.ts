import type { Entry } from '../core/entry.js';
import type { TermStart } from '../ports/storage.js';

/** What recovery keeps of a log that is read once from front to back: where its terms begin, and its configurations. */
export class LogOutline {
  readonly terms: TermStart[] = [];
  readonly configurations: Entry[] = [];

  add(entry: Entry): void {
    if (this.terms.at(-1)?.term !== entry.term) this.terms.push({ term: entry.term, first: entry.index });
    if (entry.kind === 'configuration') this.configurations.push(entry);
  }
}
