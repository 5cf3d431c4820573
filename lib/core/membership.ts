import { NO_CONFIGURATION, type Configuration, type Membership } from './configuration.js';
import type { LogIndex } from './ids.js';

/**
 * The configurations that still matter: the committed one, and every later one in the log. The last one is
 * in force as soon as it is appended (thesis §4.1) and goes when its entry is truncated.
 */
export class MembershipHistory {
  /** In log order; the first is committed (or the snapshot's, or none); never empty. */
  #entries: Membership[] = [{ index: 0, configuration: NO_CONFIGURATION }];

  get effective(): Membership {
    return this.#entries[this.#entries.length - 1] ?? { index: 0, configuration: NO_CONFIGURATION };
  }

  get committed(): Membership {
    return this.#entries[0] ?? { index: 0, configuration: NO_CONFIGURATION };
  }

  /** The one before the one in force; null once that is known to be committed. */
  get preceding(): Membership | null {
    return this.#entries[this.#entries.length - 2] ?? null;
  }

  restore(base: Membership): void {
    this.#entries = [base];
  }

  append(index: LogIndex, configuration: Configuration): void {
    this.#entries.push({ index, configuration });
  }

  /** The log was cut after `index`; whether that took a configuration with it. */
  truncateAfter(index: LogIndex): boolean {
    const before = this.#entries.length;
    while (this.#entries.length > 1 && this.effective.index > index) this.#entries.pop();
    return this.#entries.length < before;
  }

  /** The log is committed through `index`; the newest configuration that this made committed, or null. */
  commit(index: LogIndex): Membership | null {
    let committed: Membership | null = null;
    while (this.#entries.length > 1 && (this.#entries[1]?.index ?? Infinity) <= index) {
      this.#entries.shift();
      committed = this.committed;
    }
    return committed;
  }
}
