/** What is known of an entry. `found`: the write of it was told that there is one already. */
export type EntryFate = 'acknowledged' | 'refused' | 'unknown' | 'found';

export const LEDGER_PREFIX = 'ledger/';

/**
 * Keys that are each written once, by one call: at the end those that were acknowledged must be there, those that
 * were refused must not.
 */
export class Ledger {
  readonly #fates = new Map<string, EntryFate>();
  #count = 0;

  /** A key that nobody has written. */
  next(): string {
    this.#count += 1;
    return `${LEDGER_PREFIX}${String(this.#count).padStart(8, '0')}`;
  }

  /** What is written under the key: unlike any other's. */
  valueOf(key: string): string {
    return `entry of ${key}`;
  }

  note(key: string, fate: EntryFate): void {
    this.#fates.set(key, fate);
  }

  count(fate: EntryFate): number {
    return [...this.#fates.values()].filter((each) => each === fate).length;
  }

  /** What is wrong whatever the nodes hold, in sentences. */
  get doubles(): string[] {
    return [...this.#fates].flatMap(([key, fate]) => (fate === 'found' ? [`${key} is written by one call alone, which found it written: it was executed twice`] : []));
  }

  /** What is wrong with what a node holds, in sentences. `found` is all of its keys under the prefix. */
  problems(node: string, found: ReadonlyMap<string, string>): string[] {
    const problems: string[] = [];
    for (const [key, fate] of this.#fates) {
      const value = found.get(key);
      if (fate === 'acknowledged' && value === undefined) problems.push(`${key} was acknowledged, and node ${node} does not have it`);
      if (fate === 'refused' && value !== undefined) problems.push(`${key} was refused for certain, and node ${node} has it`);
      if (value !== undefined && value !== this.valueOf(key)) problems.push(`${key} was written as ${JSON.stringify(this.valueOf(key))}, and node ${node} has ${JSON.stringify(value.slice(0, 100))}`);
    }
    for (const key of found.keys()) if (!this.#fates.has(key)) problems.push(`nobody wrote ${key}, and node ${node} has it`);
    return problems;
  }
}
