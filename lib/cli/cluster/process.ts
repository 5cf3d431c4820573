import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliError } from '../exit.js';
import type { Member } from './plan.js';

/** A log that has grown beyond this starts anew; the old one is kept beside it. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * One node as an operating-system process. It runs in a group of its own, so that a Ctrl-C at the terminal
 * reaches the parent alone; should the parent die, the child notices and stops in order.
 */
export class NodeProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<Exit>;
  #exit: Exit | null = null;

  constructor(
    readonly member: Pick<Member, 'id' | 'args' | 'logFile' | 'launcher'>,
    /** The script that has the `serve` command. */
    readonly script: string,
  ) {
    const log = openLog(member.logFile);
    const [file = process.execPath, ...args] = [...(member.launcher ?? []), process.execPath, script, ...member.args];
    this.#child = spawn(file, args, { stdio: ['ignore', log, log, 'ipc'], detached: true });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit): void => {
        this.#exit ??= exit;
        resolve(this.#exit);
      };
      this.#child.once('exit', (code, signal) => end({ code, signal }));
      this.#child.once('error', () => end({ code: null, signal: null }));
    });
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** How the process ended; null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** Resolves once the node serves HTTP. @throws {CliError} with the end of its log when it ends instead. */
  async ready(): Promise<void> {
    const isReady = new Promise<'ready'>((resolve) => {
      const listen = (message: unknown): void => {
        if ((message as { type?: unknown } | null)?.type === 'ready') resolve('ready');
      };
      this.#child.on('message', listen);
    });
    const end = await Promise.race([isReady, this.exited]);
    if (end === 'ready') return;
    throw new CliError(`node ${this.member.id} ${exitText(end)} before it was ready; the end of ${this.member.logFile}:\n${tailOf(this.member.logFile, 5)}`);
  }

  /** Passes on what the process says over IPC. */
  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener);
  }

  /** Says something to the process over IPC. Nothing when it has ended. */
  send(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined); // it may end meanwhile, which `exited` tells
  }

  /** Nothing when the process has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === null) this.#child.kill(signal);
  }

  /** SIGTERM, then SIGKILL if it has not ended within `deadlineMs`. Resolves with how it ended and whether it had to be killed. */
  async stop(deadlineMs: number): Promise<Exit & { readonly wasKilled: boolean }> {
    if (this.#exit === null) this.#child.kill('SIGTERM');
    let wasKilled = false;
    const timer = setTimeout(() => {
      wasKilled = true;
      this.kill();
    }, deadlineMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return { ...exit, wasKilled };
  }

  /** SIGKILL: what a power cut is to a process. */
  kill(): void {
    if (this.#exit === null) this.#child.kill('SIGKILL');
  }
}

export function exitText({ code, signal }: Exit): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? 'could not be started' : `ended with code ${code}`;
}

/** The last lines of a file; empty when there is none. */
export function tailOf(file: string, lines: number): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).map((line) => `  ${line}`).join('\n');
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.old`);
  return openSync(file, 'a');
}
