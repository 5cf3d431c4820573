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
}

/** Of the file system that a test puts in the place of `node:fs/promises`. */
export const FAULTS: Faults = { calls: 0, failing: 0, code: 'EIO', failed: null };

const HANDLED = ['open', 'rename', 'rm', 'readdir', 'mkdir', 'readFile', 'access'] as const;
const OF_HANDLES: readonly (string | symbol)[] = ['write', 'writeFile', 'sync', 'read', 'stat', 'close'];
type Call = (...args: readonly unknown[]) => Promise<unknown>;

/** `node:fs/promises` whose calls fail as `faults` says: before they do anything, but that half of a write is written and a file is closed. */
export function failingFileSystem(actual: typeof FileSystem, faults = FAULTS): typeof FileSystem {
  const call = async (name: string, args: readonly unknown[], perform: Call, half: Call | null): Promise<unknown> => {
    faults.calls++;
    if (faults.calls !== faults.failing) return await perform(...args);
    faults.failed = name;
    if (half !== null) await half(...args);
    throw Object.assign(new Error(`${faults.code}: injected, ${name}`), { code: faults.code });
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
