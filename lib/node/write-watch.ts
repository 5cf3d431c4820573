/** Watches for a storage that is slow: reports each write that takes too long, once, while it is still under way. */
export class WriteWatch {
  /** Start times of the writes under way, oldest first; they complete in order. */
  private readonly starts: number[] = [];
  private hasReported = false;

  constructor(private readonly stallMs: number) {}

  begin(now: number): void {
    this.starts.push(now);
  }

  complete(): void {
    this.starts.shift();
    this.hasReported = false;
  }

  /** How long the oldest write has taken when that is too long and news; else 0. */
  check(now: number): number {
    const started = this.starts[0];
    if (started === undefined || this.hasReported || now - started < this.stallMs) return 0;
    this.hasReported = true;
    return now - started;
  }
}
