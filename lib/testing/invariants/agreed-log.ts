import type { Entry } from '../../core/entry.js';
import type { LogId, LogIndex, Term } from '../../core/ids.js';
import { AgreedConfigurations } from './agreed-configurations.js';
import { must } from './violation.js';

interface Known {
  readonly entry: Entry;
  /** The term of the entry before it. */
  readonly previousTerm: Term;
}

/**
 * What the servers together have said about the log: every entry that ever stood in any log, and which of
 * them are committed. Two entries of the same index and term are the same entry with the same predecessor, or
 * Log Matching is broken; by induction that covers whole prefixes.
 */
export class AgreedLog {
  readonly #known = new Map<number, Known>(); // by index and term
  /** `committed[i]` has index `i + 1`. */
  readonly committed: Entry[] = [];
  /** The term of the leader that committed it, at the same position. */
  readonly committedIn: Term[] = [];
  readonly configurations = new AgreedConfigurations();

  get commitIndex(): LogIndex {
    return this.committed.length;
  }

  /** An entry was appended to some log, after `previous`. */
  noteAppended(property: string, server: string, entry: Entry, previousTerm: Term): void {
    const key = entry.index * 0x400_0000 + entry.term;
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { entry, previousTerm });
      if (entry.index > this.commitIndex) this.configurations.noteAppended(entry);
      return;
    }
    must(known.previousTerm === previousTerm, property, () => `${server} holds ${nameOf(entry)} after an entry of term ${previousTerm}, another log after one of term ${known.previousTerm}`);
    must(isSame(known.entry, entry), property, () => `${server} holds ${contentOf(entry)}, another log holds ${contentOf(known.entry)}`);
  }

  /** Some server holds this entry to be committed. */
  noteCommitted(property: string, server: string, index: LogIndex, entry: Entry | undefined, term: Term): void {
    must(entry !== undefined, property, () => `${server} commits ${index}, which its log does not hold`);
    const known = this.committed[index - 1];
    if (known === undefined) {
      must(index === this.committed.length + 1, property, () => `${server} commits ${index} while nobody has committed ${this.committed.length + 1}`);
      this.committed.push(entry);
      this.committedIn.push(term);
      this.configurations.noteCommitted(server, entry);
      return;
    }
    must(isSame(known, entry), property, () => `${server} commits ${contentOf(entry)}, another server committed ${contentOf(known)}`);
  }
}

export function isSame(a: Entry, b: Entry): boolean {
  return a === b || (a.index === b.index && a.term === b.term && a.kind === b.kind && isEqual(a.payload, b.payload));
}

export function nameOf(entry: LogId | undefined): string {
  return entry === undefined ? 'nothing' : `entry ${entry.index} of term ${entry.term}`;
}

function contentOf(entry: Entry): string {
  return `${nameOf(entry)} (${entry.kind}, ${entry.payload.length} bytes ${Array.from(entry.payload.subarray(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join('')}…)`;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
