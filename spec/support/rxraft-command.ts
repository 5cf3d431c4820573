import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { transpile, type Transpiled } from './transpile.js';

/** The `rxraft` command as a person runs it: built, in a process of its own. */
export class RxraftCommand {
  readonly #built: Transpiled = transpile(['lib/cli/main.ts']);
  readonly script = this.#built.file('lib/cli/main.ts');
  readonly #running = new Set<Running>();

  constructor() {
    const root = resolve(__dirname, '../..');
    copyFileSync(resolve(root, 'package.json'), resolve(this.script, '../../../package.json'));
  }

  run(...args: string[]): Running {
    const running = new Running(spawn(process.execPath, [this.script, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } }));
    this.#running.add(running);
    return running;
  }

  dispose(): void {
    for (const { child } of this.#running) child.kill('SIGKILL');
    this.#built.dispose();
  }
}

export class Running {
  output = '';
  readonly ended: Promise<number | null>;
  #listeners: (() => void)[] = [];
  #isEnded = false;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    this.ended = new Promise((done) =>
      child.once('close', (code) => {
        this.#isEnded = true;
        this.#wake();
        done(code);
      }),
    );
  }

  /** Resolves with the match once the output has it; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((done, reject) => {
      const check = (): void => {
        const match = pattern.exec(this.output);
        if (match !== null) done(match);
        else if (this.#isEnded) reject(new Error(`ended without printing ${String(pattern)}:\n${this.output}`));
      };
      this.#listeners.push(check);
      check();
    });
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}
