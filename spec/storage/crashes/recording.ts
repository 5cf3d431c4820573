import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** One thing that a process did, between two lines of what was recorded: before `start` it had no effect, from `end` on it had returned. */
export type Step = { readonly start: number; readonly end: number } & (
  | { readonly type: 'write'; readonly file: number; readonly at: number; readonly bytes: Buffer; readonly isSynced: boolean }
  | { readonly type: 'create'; readonly file: number; readonly name: string }
  | { readonly type: 'rename'; readonly file: number; readonly name: string; readonly old: string }
  | { readonly type: 'remove'; readonly name: string }
  | { readonly type: 'syncFile'; readonly file: number }
  | { readonly type: 'syncDirectory' }
  | { readonly type: 'said'; readonly line: string }
);

const CALLS = 'openat,open,creat,write,pwrite64,pwritev,writev,lseek,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,close';

/** Why the calls of a process can't be recorded here; null when they can. */
export function whyNoRecording(): string | null {
  const { error, status, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', '/bin/true'], { encoding: 'utf8' });
  return error !== undefined ? error.message : status === 0 ? null : (stderr.split('\n')[0] ?? 'strace fails');
}

/** Runs a script to its end, and gives what it did in `directory` and said on stdout. */
export function record(script: string, directory: string, ...args: string[]): Step[] {
  const output = `${directory}.strace`;
  const { status, stderr } = spawnSync('strace', ['-f', '-xx', '-s', '100000000', '-e', `trace=${CALLS}`, '-o', output, process.execPath, script, directory, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the recorded process failed: ${stderr}`);
  return new Reading(directory).all(readFileSync(output, 'latin1').split('\n'));
}

interface OpenFile {
  readonly file: number;
  readonly isSynced: boolean;
  position: number;
}

/** Makes steps of lines such as `71 pwrite64(20, "\x61", 1, 4096) = 1`; what other threads interrupt is in two. */
class Reading {
  readonly #steps: Step[] = [];
  readonly #open = new Map<number, OpenFile | 'directory'>();
  readonly #names = new Map<string, number>();
  readonly #unfinished = new Map<string, { readonly start: number; readonly text: string }>();
  #files = 0;

  constructor(private readonly directory: string) {}

  all(lines: readonly string[]): Step[] {
    lines.forEach((line, end) => {
      const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
      if (text.endsWith(' <unfinished ...>')) {
        this.#unfinished.set(thread, { start: end, text: text.slice(0, -' <unfinished ...>'.length) });
        return;
      }
      const begun = text.startsWith('<... ') ? this.#unfinished.get(thread) : undefined;
      this.#call(begun?.start ?? end, end, begun === undefined ? text : begun.text + text.replace(/^<\.\.\. \w+ resumed>/, ''));
    });
    return this.#steps.sort((a, b) => a.start - b.start);
  }

  #call(start: number, end: number, text: string): void {
    const call = /^(\w+)\(/.exec(text)?.[1] ?? '';
    const result = Number(/= (-?\d+)[^=]*$/.exec(text)?.[1] ?? -1);
    if (call === '' || result < 0) return;
    const strings = [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => Buffer.from(hex.replaceAll('\\x', ''), 'hex'));
    const descriptor = Number(/^\w+\((\d+)/.exec(text)?.[1] ?? -1);
    if (call.startsWith('open') || call === 'creat') return this.#opened(start, end, text, String(strings[0]), result);
    if (call.startsWith('rename')) return this.#renamed(start, end, String(strings[0]), String(strings[1]));
    if (call.startsWith('unlink')) return this.#removed(start, end, String(strings[0]));
    if (call === 'write' && descriptor === 1) return void this.#steps.push({ start, end, type: 'said', line: String(strings[0]).trim() });
    const open = this.#open.get(descriptor);
    if (call === 'close') return void this.#open.delete(descriptor);
    if (open === undefined) return;
    if (open === 'directory') return void (call === 'fsync' && this.#steps.push({ start, end, type: 'syncDirectory' }));
    if (call === 'ftruncate') throw new Error(`this recording is not made for ${text.slice(0, 60)}`);
    if (call === 'lseek') open.position = result;
    else if (call.endsWith('sync')) this.#steps.push({ start, end, type: 'syncFile', file: open.file });
    else this.#written(start, end, open, Buffer.concat(strings).subarray(0, result), call.startsWith('p') ? Number(/, (\d+)\) += /.exec(text)?.[1]) : null);
  }

  #opened(start: number, end: number, text: string, path: string, descriptor: number): void {
    this.#open.delete(descriptor);
    if (path === this.directory) this.#open.set(descriptor, 'directory');
    const name = this.#nameOf(path);
    if (name === null) return;
    let file = this.#names.get(name);
    if (text.includes('O_CREAT') && (file === undefined || text.includes('O_TRUNC'))) {
      file = this.#files++;
      this.#names.set(name, file);
      this.#steps.push({ start, end, type: 'create', file, name });
    }
    if (file !== undefined) this.#open.set(descriptor, { file, isSynced: /O_D?SYNC/.test(text), position: 0 });
  }

  #written(start: number, end: number, open: OpenFile, bytes: Buffer, at: number | null): void {
    this.#steps.push({ start, end, type: 'write', file: open.file, at: at ?? open.position, bytes, isSynced: open.isSynced });
    if (at === null) open.position += bytes.length;
  }

  #renamed(start: number, end: number, from: string, to: string): void {
    const [old, name] = [this.#nameOf(from), this.#nameOf(to)];
    const file = old === null ? undefined : this.#names.get(old);
    if (file === undefined || old === null || name === null) return;
    this.#names.delete(old);
    this.#names.set(name, file);
    this.#steps.push({ start, end, type: 'rename', file, name, old });
  }

  #removed(start: number, end: number, path: string): void {
    const name = this.#nameOf(path);
    if (name !== null && this.#names.delete(name)) this.#steps.push({ start, end, type: 'remove', name });
  }

  /** Null for what lies elsewhere, and for locks, which mean nothing once the machine was off. */
  #nameOf(path: string): string | null {
    const name = basename(path);
    return dirname(path) !== this.directory || /^(lock|starting)-|-lock$/.test(name) ? null : name;
  }
}
