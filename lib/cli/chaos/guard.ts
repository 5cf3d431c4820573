import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Kills the processes that are named to it (`+pid`, `-pid`), and unmounts what is mounted at the paths (`+/path`, `-/path`), once
 * its input ends, which it does however the parent ends. A node that lost its parent stops by itself, but not one that
 * SIGSTOP holds; a mount stays for ever.
 */
const PROGRAM = `
const { spawnSync } = require('node:child_process');
const watched = new Set();
let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) line[0] === '+' ? watched.add(line.slice(1)) : watched.delete(line.slice(1));
});
process.stdin.on('end', () => {
  const isPath = (name) => name[0] === '/';
  for (const name of watched) if (!isPath(name)) try { process.kill(+name, 'SIGKILL'); } catch {}
  for (const name of watched) if (isPath(name)) spawnSync('umount', ['-l', name]);
});
`;

/** Sees to it that no process and no mount outlives this one. */
export class Guard {
  readonly #child: ChildProcess;

  constructor() {
    // Detached, so that a Ctrl-C at the terminal does not end it.
    this.#child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#child.unref();
    this.#child.stdin?.on('error', () => undefined); // someone ended it: then it guards nothing
  }

  /** @param what a process, or the absolute path of a mount. */
  watch(what: number | string): void {
    this.#child.stdin?.write(`+${what}\n`);
  }

  forget(what: number | string): void {
    this.#child.stdin?.write(`-${what}\n`);
  }

  /** Kills and unmounts what it still watches, and ends. */
  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.ref();
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await exited;
  }
}
