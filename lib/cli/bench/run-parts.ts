import { messageOf } from '../exit.js';
import type { Bench } from './bench.js';
import type { Part } from './parts.js';
import type { Report } from './report.js';

/**
 * Runs parts one after the other and hands each report out at once. A part that fails is told, and does not keep the others
 * from running; an interruption does.
 * @returns the names of those that failed.
 */
export async function runParts(parts: readonly Part[], bench: Bench, interrupt: AbortSignal, say: (line: string) => void, onReport: (part: Part, report: Report) => Promise<void>): Promise<string[]> {
  const failed: string[] = [];
  for (const part of parts) {
    say(part.name);
    let report: Report;
    try {
      report = await part.run(bench);
    } catch (error) {
      interrupt.throwIfAborted();
      say(`${part.name} failed: ${messageOf(error)}`);
      failed.push(part.name);
      continue;
    }
    interrupt.throwIfAborted();
    await onReport(part, report);
  }
  return failed;
}
