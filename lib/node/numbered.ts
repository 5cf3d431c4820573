/** How many things share a page. */
const PAGE = 256;

interface Page<T> {
  /** The number of the first slot, divided by `PAGE`. */
  readonly at: number;
  readonly slots: (T | undefined)[];
  taken: number;
}

/**
 * Things that come by the thousand and soon go again, each by the number that it is given here, in order. (A `Map` would
 * do, but each time it makes itself a new table the old one keeps what was in it from the garbage collector's quick pass: that
 * took longer than all the rest. A page forgets, and the newest one is kept for the next thing when it is empty.)
 */
export class Numbered<T> {
  /** The page that the next number belongs to or follows. */
  #newest: Page<T> = pageAt(0);
  /** Which was looked for last: most likely the next one, too. */
  #last = this.#newest;
  /** The newest, and of the others those in which something is. */
  readonly #pages = new Map([[0, this.#newest]]);
  #next = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns its number. */
  add(thing: T): number {
    const number = this.#next++;
    const page = number % PAGE === 0 ? this.#begin(number / PAGE) : this.#newest;
    page.slots[number % PAGE] = thing;
    page.taken += 1;
    this.#size += 1;
    return number;
  }

  get(number: number): T | undefined {
    return this.#pageOf(number)?.slots[number % PAGE];
  }

  delete(number: number): void {
    const page = this.#pageOf(number);
    if (page?.slots[number % PAGE] === undefined) return;
    page.slots[number % PAGE] = undefined;
    page.taken -= 1;
    this.#size -= 1;
    if (page.taken === 0 && page !== this.#newest) this.#pages.delete(page.at);
  }

  /** All of them, oldest first. */
  values(): T[] {
    const values: T[] = [];
    for (const { slots } of this.#pages.values()) for (const thing of slots) if (thing !== undefined) values.push(thing);
    return values;
  }

  #begin(at: number): Page<T> {
    if (this.#newest.taken === 0) this.#pages.delete(this.#newest.at);
    this.#newest = pageAt(at);
    this.#pages.set(at, this.#newest);
    return this.#newest;
  }

  #pageOf(number: number): Page<T> | undefined {
    const at = Math.floor(number / PAGE);
    if (this.#last.at === at) return this.#last;
    const page = this.#pages.get(at);
    if (page !== undefined) this.#last = page;
    return page;
  }
}

function pageAt<T>(at: number): Page<T> {
  return { at, slots: new Array<T | undefined>(PAGE).fill(undefined), taken: 0 };
}
