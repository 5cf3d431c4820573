import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Kills the processes that are named to it (`+pid`, `-pid`) once its input ends, which it does however the parent ends.
 * A node that lost its parent stops by itself, but not one that SIGSTOP holds.
 */
const PROGRAM = `
const pids = new Set();
let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) line[0] === '+' ? pids.add(+line.slice(1)) : pids.delete(+line.slice(1));
});
process.stdin.on('end', () => {
  for (const pid of pids) try { process.kill(pid, 'SIGKILL'); } catch {}
});
`;

/** Sees to it that no process outlives this one. */
export class Guard {
  readonly #child: ChildProcess;

  constructor() {
    // Detached, so that a Ctrl-C at the terminal does not end it.
    this.#child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#child.unref();
    this.#child.stdin?.on('error', () => undefined); // someone ended it: then it guards nothing
  }

  watch(pid: number): void {
    this.#child.stdin?.write(`+${pid}\n`);
  }

  forget(pid: number): void {
    this.#child.stdin?.write(`-${pid}\n`);
  }

  /** Kills what it still watches, and ends. */
  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.ref();
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await exited;
  }
}
