/** How many things share a page. */
const PAGE = 256;

interface Page<T> {
  readonly slots: (T | undefined)[];
  taken: number;
}

/**
 * Things that come by the thousand and soon go again, each by the number that it is given here, in order. (A `Map` would
 * do, but each time it makes itself a new table the old one keeps what was in it from the garbage collector's quick pass: that
 * took longer than all the rest. A page forgets.)
 */
export class Numbered<T> {
  readonly #pages = new Map<number, Page<T>>();
  #next = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns its number. */
  add(thing: T): number {
    const number = this.#next++;
    let page = this.#pages.get(pageOf(number));
    if (page === undefined) {
      page = { slots: new Array<T | undefined>(PAGE).fill(undefined), taken: 0 };
      this.#pages.set(pageOf(number), page);
    }
    page.slots[number % PAGE] = thing;
    page.taken += 1;
    this.#size += 1;
    return number;
  }

  get(number: number): T | undefined {
    return this.#pages.get(pageOf(number))?.slots[number % PAGE];
  }

  delete(number: number): void {
    const page = this.#pages.get(pageOf(number));
    if (page?.slots[number % PAGE] === undefined) return;
    page.slots[number % PAGE] = undefined;
    page.taken -= 1;
    this.#size -= 1;
    if (page.taken === 0) this.#pages.delete(pageOf(number));
  }

  /** All of them, oldest first. */
  values(): T[] {
    const values: T[] = [];
    for (const { slots } of this.#pages.values()) for (const thing of slots) if (thing !== undefined) values.push(thing);
    return values;
  }
}

function pageOf(number: number): number {
  return Math.floor(number / PAGE);
}
