import { backOff, Retries, type Target } from './target.js';

export interface WriterOptions {
  /** The number of the first key. Default 0. */
  readonly first?: number;
  /** How many keys at most. */
  readonly keys: number;
  /** Asked before each key: whether to stop already. Default: never. */
  readonly isEnough?: () => boolean;
  /** Requests in progress at once. */
  readonly clients: number;
  readonly signal: AbortSignal;
  /** Called after each acknowledgement with the number of them so far, and when its request was sent (by `now`). */
  readonly onAcknowledged: (count: number, sentAtMs: number, node: string) => void;
  readonly now: () => number;
}

export interface WriteReport {
  /** The revision under which each key was acknowledged, by key number (less `first`). */
  readonly revisions: readonly number[];
  readonly retries: Retries;
}

export function keyOf(number: number): string {
  return `check/${String(number).padStart(8, '0')}`;
}

/** Unlike any other key's, so that a value that landed under the wrong key is seen. */
export function valueOf(number: number): string {
  return `value ${number} ${'·'.repeat(number % 32)} of this check`;
}

/**
 * Writes every key once, through all nodes in turn by many clients at once. A write whose outcome is unknown
 * is sent again, to the next node: putting the same value twice is the same as once. `targets` is looked at anew
 * for each request: nodes may come and go meanwhile.
 * @throws {Error} when a write is refused for good, or the signal is aborted.
 */
export async function writeAll(targets: readonly Target[], options: WriterOptions): Promise<WriteReport> {
  const revisions: number[] = [];
  const { first = 0, keys, isEnough = () => false } = options;
  let next = 0;
  let acknowledged = 0;
  const retries = new Retries();
  const client = async (): Promise<void> => {
    while (next < keys && !isEnough()) {
      const at = next++;
      revisions[at] = await write(first + at);
    }
  };
  const write = async (number: number): Promise<number> => {
    for (let attempt = 0; ; attempt += 1) {
      options.signal.throwIfAborted();
      const target = targets[(number + attempt) % targets.length];
      if (target === undefined) throw new Error('there is no node to write to');
      const sentAtMs = options.now();
      const outcome = await target.put(keyOf(number), valueOf(number));
      if (outcome.type === 'answered') {
        const { status, body } = outcome.reply;
        if (status !== 200 && status !== 201) throw new Error(`node ${target.id} refused to write ${keyOf(number)}: ${status} ${body.toString().trim()}`);
        acknowledged += 1;
        options.onAcknowledged(acknowledged, sentAtMs, target.id);
        return (JSON.parse(body.toString()) as { revision: number }).revision;
      }
      retries.note(outcome.why);
      await backOff(attempt + 1);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  return { revisions, retries };
}
