import type { LogId, LogIndex, NodeId, Term } from '../../core/ids.js';
import type { SessionResult } from '../../node/sessions/index.js';
import type { Codec } from '../../ports/codec.js';
import type { Committed } from '../../ports/state-machine.js';
import type { Tagged } from '../simulation/tagged.js';
import { must } from './violation.js';

/** What one entry of the log came to, on every server alike. */
interface Effect {
  readonly term: Term;
  /** Of the machine with sessions, as bytes. */
  readonly result: Uint8Array;
  /** What reached the machine within; null for a repeat, and for whatever is no command of it. */
  readonly reached: Tagged | null;
}

/** What the entries of the log came to when they were applied: by the word of whoever applied them first, which holds for all. */
export class Effects {
  readonly #agreed = new Map<LogIndex, Effect>();
  readonly #indexOf = new Map<number, LogIndex>();
  #repeats = 0;
  /** Called when a command takes effect, as the first server applies it. */
  onEffect: (id: number) => void = () => undefined;

  constructor(private readonly valueCodec: Codec<unknown>) {}

  /** A server has applied an entry. Servers apply entries again after a restart: with the same result, always. */
  readonly observe = (server: NodeId, { index, term }: LogId, value: unknown, reached: Tagged | null): void => {
    const result = this.valueCodec.encode(value);
    const agreed = this.#agreed.get(index);
    if (agreed !== undefined) {
      must(agreed.reached?.id === reached?.id, 'every server applies the same commands', () => `${server} applies ${nameOf(reached)} at ${index}, another one ${nameOf(agreed.reached)}`);
      must(isSameBytes(agreed.result, result), 'every server gives the same results', () => `${server} answers ${nameOf(reached)} at ${index} with ${textOf(value)}, another one with ${textOf(this.valueCodec.decode(agreed.result))}`);
      return;
    }
    this.#agreed.set(index, { term, result, reached });
    if (reached === null) {
      if ((value as SessionResult<unknown>).type === 'applied') this.#repeats += 1;
      return;
    }
    const earlier = this.#indexOf.get(reached.id);
    must(earlier === undefined, 'a command takes effect once (thesis §6.3)', () => `${server} applies ${nameOf(reached)} at ${index}, after ${String(earlier)}`);
    this.#indexOf.set(reached.id, index);
    this.onEffect(reached.id);
  };

  /** How many entries were a session's command once more, answered as the first time. */
  get repeats(): number {
    return this.#repeats;
  }

  /** Where the command took effect; undefined when it has not. */
  indexOf(id: number): LogIndex | undefined {
    return this.#indexOf.get(id);
  }

  /** The commands that took effect, in log order. */
  inOrder(): Committed<unknown>[] {
    const found: Committed<unknown>[] = [];
    for (const [index, { term, reached }] of this.#agreed) if (reached !== null) found.push({ index, term, command: reached.command });
    return found.sort((a, b) => a.index - b.index);
  }

  isSame(a: unknown, b: unknown): boolean {
    return isSameBytes(this.valueCodec.encode(a), this.valueCodec.encode(b));
  }

  /** What the machine with sessions answered at this index. */
  resultAt(index: LogIndex): unknown {
    const agreed = this.#agreed.get(index);
    return agreed === undefined ? undefined : this.valueCodec.decode(agreed.result);
  }
}

export function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}

function nameOf(tagged: Tagged | null): string {
  return tagged === null ? 'no command' : `command ${tagged.id}, ${textOf(tagged.command)},`;
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
