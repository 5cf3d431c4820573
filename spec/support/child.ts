import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a child process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** A child process whose output is read line by line. */
export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  readonly lines: string[] = [];
  #waiting: { count: number; resolve: () => void }[] = [];

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args);
    let stderr = '';
    this.process.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    createInterface(this.process.stdout).on('line', (line) => {
      this.lines.push(line);
      this.#wake(this.lines.length);
    });
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.#wake(Infinity);
        resolve({ code, signal, lines: this.lines, stderr });
      });
    });
  }

  static node(script: string, ...args: string[]): Child {
    return new Child(process.execPath, [script, ...args]);
  }

  /** Resolves once so many lines have come, or the child has ended. */
  async printed(count: number): Promise<void> {
    if (this.lines.length >= count || this.process.exitCode !== null) return;
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }

  async kill(): Promise<Ended> {
    this.process.kill('SIGKILL');
    return await this.ended;
  }

  #wake(count: number): void {
    for (const waiting of this.#waiting) if (waiting.count <= count) waiting.resolve();
    this.#waiting = this.#waiting.filter((waiting) => waiting.count > count);
  }
}
