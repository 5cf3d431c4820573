import type { RaftEventBody } from '../../core/events.js';

/** An event of a node that belongs in a story. */
interface Told {
  readonly at: number;
  readonly runId: string;
  readonly event: RaftEventBody;
}

/** What happened in a run, as one would tell it: faults, operations, answers, who led, what was committed. No messages. */
export class Story {
  readonly #lines: (Told | string)[] = [];

  note(line: string): void {
    this.#lines.push(line);
  }

  turn(at: number, runId: string, events: readonly RaftEventBody[]): void {
    for (const event of events) if (isTold(event)) this.#lines.push({ at, runId, event });
  }

  /** A line each, in order. */
  get lines(): string[] {
    return this.#lines.map((line) => (typeof line === 'string' ? line : `${atText(line.at)}  ${line.runId} ${textOf(line.event)}`));
  }
}

/** A time, at the beginning of a line. */
export function atText(at: number): string {
  return `${at.toFixed(3)} ms`.padStart(14);
}

function isTold({ type }: RaftEventBody): boolean {
  switch (type) {
    case 'RoleChanged':
    case 'VoteGranted':
    case 'CommitAdvanced':
    case 'LogTruncated':
    case 'MembershipAppended':
    case 'MembershipCommitted':
    case 'MembershipReverted':
    case 'SnapshotSaved':
    case 'SnapshotInstalled':
    case 'CorruptionDetected':
    case 'FatalErrorRaised':
    case 'NodeStarted':
      return true;
    default:
      return false;
  }
}

function textOf(event: RaftEventBody): string {
  switch (event.type) {
    case 'RoleChanged':
      return `is ${event.to} in term ${event.term} (${event.reason})`;
    case 'CommitAdvanced':
      return `commits through ${event.to.index}`;
    case 'NodeStarted':
      return `is up in term ${event.term}`;
    default: {
      const { type, term, ...fields } = event;
      return `${type} in term ${term} ${JSON.stringify(fields)}`;
    }
  }
}
