import type * as CallbackFileSystem from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type * as FileSystem from 'node:fs/promises';

/** Which call of the file system is to fail next, and how. */
export interface Faults {
  /** So many calls were made. */
  calls: number;
  /** The number of the call that fails; 0 for none. */
  failing: number;
  code: string;
  /** What the call that failed was. */
  failed: string | null;
  /** No write by callback takes more. */
  mostBytes: number;
}

/** Of the file system that a test puts in the place of `node:fs/promises` and of `node:fs`. */
export const FAULTS: Faults = { calls: 0, failing: 0, code: 'EIO', failed: null, mostBytes: Infinity };

const HANDLED = ['open', 'rename', 'rm', 'readdir', 'mkdir', 'readFile', 'access'] as const;
const OF_HANDLES: readonly (string | symbol)[] = ['writeFile', 'sync', 'read', 'stat', 'close'];
type Call = (...args: readonly unknown[]) => Promise<unknown>;

/** The next call; an error instead when it is the one that fails. */
function counted(name: string, faults: Faults): Error | null {
  faults.calls++;
  if (faults.calls !== faults.failing) return null;
  faults.failed = name;
  return Object.assign(new Error(`${faults.code}: injected, ${name}`), { code: faults.code });
}

type Written = (error: Error | null, count: number, bytes: Uint8Array) => void;

/** `node:fs` whose writes by callback fail as `faults` says, before they do anything. */
export function failingCallbacks(actual: typeof CallbackFileSystem, faults = FAULTS): typeof CallbackFileSystem {
  const write = (file: number, bytes: Uint8Array, offset: number, length: number, position: number, written: Written): void => {
    const failure = counted('write', faults);
    if (failure === null) actual.write(file, bytes, offset, Math.min(length, faults.mostBytes), position, written);
    else setImmediate(written, failure, 0, bytes);
  };
  return { ...actual, write: write as typeof actual.write };
}

/** `node:fs/promises` whose calls fail as `faults` says: before they do anything, but that half of a write is written and a file is closed. */
export function failingFileSystem(actual: typeof FileSystem, faults = FAULTS): typeof FileSystem {
  const call = async (name: string, args: readonly unknown[], perform: Call, half: Call | null): Promise<unknown> => {
    const failure = counted(name, faults);
    if (failure === null) return await perform(...args);
    if (half !== null) await half(...args);
    throw failure;
  };
  const wrapped = (handle: FileHandle): FileHandle =>
    new Proxy(handle, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        const perform: Call = (...args) => Reflect.apply(value, target, args) as Promise<unknown>;
        if (!OF_HANDLES.includes(key)) return perform;
        const halfOf: Call = (data) => perform(typeof data === 'string' ? data.slice(0, data.length / 2) : (data as Uint8Array).subarray(0, (data as Uint8Array).length / 2));
        return (...args: readonly unknown[]) => call(String(key), args, perform, key === 'close' ? perform : key === 'writeFile' ? halfOf : null);
      },
    });
  const failing = Object.fromEntries(
    HANDLED.map((name) => {
      const perform = actual[name] as Call;
      return [name, async (...args: readonly unknown[]) => {
        const result = await call(`${name} ${String(args[0]).replace(/.*\//, '')}`, args, perform, null);
        return name === 'open' ? wrapped(result as FileHandle) : result;
      }];
    }),
  );
  return { ...actual, ...failing };
}
