import { backOff, Retries, type Target } from './target.js';
import { keyOf, valueOf, type WriteReport } from './writer.js';

export interface VerifierOptions {
  /** Reads in progress at once, per node. */
  readonly clients: number;
  readonly signal: AbortSignal;
  readonly onRead: (count: number) => void;
}

export interface VerifyReport {
  readonly reads: number;
  readonly retries: Retries;
  /** Acknowledged writes that a node did not give back, in words. */
  readonly violations: readonly string[];
}

/** Reads every acknowledged key back from every node, linearizably. @throws {Error} when the signal is aborted. */
export async function verifyAll(targets: readonly Target[], written: Pick<WriteReport, 'revisions'>, options: VerifierOptions): Promise<VerifyReport> {
  const violations: string[] = [];
  let reads = 0;
  const retries = new Retries();
  const read = async (target: Target, number: number, revision: number): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      options.signal.throwIfAborted();
      const outcome = await target.get(keyOf(number));
      if (outcome.type === 'answered') {
        const violation = violationOf(outcome.reply.status, outcome.reply.body.toString(), outcome.reply.headers.etag, number, revision);
        if (violation !== null) violations.push(`node ${target.id}, ${keyOf(number)}: ${violation}`);
        reads += 1;
        return options.onRead(reads);
      }
      retries.note(outcome.why);
      await backOff(attempt + 1);
    }
  };
  const readAll = async (target: Target): Promise<void> => {
    let next = 0;
    const client = async (): Promise<void> => {
      for (let number = next++; number < written.revisions.length; number = next++) await read(target, number, written.revisions[number] ?? 0);
    };
    await Promise.all(Array.from({ length: options.clients }, client));
  };
  await Promise.all(targets.map(readAll));
  return { reads, retries, violations };
}

/** A retried write may have landed again after the acknowledged one, with a later revision and the same value. */
function violationOf(status: number, value: string, etag: string | undefined, number: number, revision: number): string | null {
  if (status === 404) return `acknowledged at revision ${revision}, and not there`;
  if (status !== 200) return `the read was answered with ${status} ${value.trim()}`;
  if (value !== valueOf(number)) return `acknowledged as ${JSON.stringify(valueOf(number))}, and read as ${JSON.stringify(value.slice(0, 100))}`;
  const found = Number(etag?.replaceAll('"', ''));
  return found >= revision ? null : `acknowledged at revision ${revision}, and read at ${etag ?? 'none'}`;
}
