/** The newest `capacity` items, oldest first; each operation is O(1). Memory grows as it fills. */
export class Ring<T extends object> {
  private items: T[] = [];
  /** Where the oldest item is, once the ring is full. */
  private start = 0;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.items.length;
  }

  get isFull(): boolean {
    return this.items.length === this.capacity;
  }

  /** Adds an item; gives the one that had to leave for it. */
  push(item: T): T | undefined {
    if (!this.isFull) {
      this.items.push(item);
      return undefined;
    }
    const oldest = this.items[this.start];
    this.items[this.start] = item;
    this.start = (this.start + 1) % this.capacity;
    return oldest;
  }

  /** The item at a distance from the oldest one. */
  at(offset: number): T | undefined {
    return offset < 0 || offset >= this.items.length ? undefined : this.items[(this.start + offset) % this.capacity];
  }

  /** Empties the ring. */
  takeAll(): T[] {
    const { items, start } = this;
    this.items = [];
    this.start = 0;
    return start === 0 ? items : items.slice(start).concat(items.slice(0, start));
  }
}
