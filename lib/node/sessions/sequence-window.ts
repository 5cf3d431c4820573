import { OverloadedError } from '../../ports/errors.js';

/** A command that waits for a sequence. */
interface Waiting {
  readonly grant: (sequence: number) => void;
  readonly refuse: (error: Error) => void;
}

/**
 * A session's sequences, each for one command. Those in use are at most `size` ahead of the first one that is
 * not settled: what the machine keeps results for. Whoever comes then waits for a free one, first come first served.
 */
export class SequenceWindow {
  /** Every sequence through this one is settled: its command's caller has an answer, and asks no more. */
  ackedThrough = 0;
  private next = 1;
  /** Settled ones above `ackedThrough`. */
  private readonly settled = new Set<number>();
  private readonly waiting = new Set<Waiting>();
  private onIdle: (() => void) | null = null;

  constructor(
    private readonly size: number,
    private readonly maxWaiting: number,
  ) {}

  /** The next sequence, if it is free and nobody waits for it. */
  take(): number | null {
    return this.waiting.size === 0 && this.isFree ? this.next++ : null;
  }

  /** Waits for a sequence. `cancel` gives up the place. @throws {OverloadedError} when too many wait. */
  wait(): { readonly sequence: Promise<number>; readonly cancel: () => void } {
    if (this.waiting.size >= this.maxWaiting) throw new OverloadedError("the session's maxWaiting", this.maxWaiting);
    let place: Waiting | null = null;
    const sequence = new Promise<number>((grant, refuse) => {
      place = { grant, refuse };
      this.waiting.add(place);
    });
    const cancel = (): void => {
      if (place === null || this.waiting.delete(place)) return this.notifyIdle();
      // It was granted in the same moment: the sequence goes unused.
      void sequence.then((granted) => this.settle(granted), () => undefined);
    };
    return { sequence, cancel };
  }

  /** Nobody asks for this sequence's result any more. */
  settle(sequence: number): void {
    this.settled.add(sequence);
    while (this.settled.delete(this.ackedThrough + 1)) this.ackedThrough += 1;
    for (const place of this.waiting) {
      if (!this.isFree) break;
      this.waiting.delete(place);
      place.grant(this.next++);
    }
    this.notifyIdle();
  }

  /** Whoever waits gets an error. */
  refuseAll(error: Error): void {
    for (const place of this.waiting) place.refuse(error);
    this.waiting.clear();
    this.notifyIdle();
  }

  /** Resolves once no sequence is in use and nobody waits. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.onIdle = resolve;
      this.notifyIdle();
    });
  }

  private get isFree(): boolean {
    return this.next <= this.ackedThrough + this.size;
  }

  private notifyIdle(): void {
    if (this.waiting.size > 0 || this.ackedThrough + 1 !== this.next) return;
    this.onIdle?.();
    this.onIdle = null;
  }
}
