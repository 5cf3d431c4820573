import type { EventOf } from '../../core/events.js';
import type { MembersReport } from '../../server/http/member-report.js';
import { EventTail } from '../event-tail.js';
import { CliError, EXIT } from '../exit.js';
import { unlessInterrupted } from '../interrupt.js';
import type { ClientContext } from './context.js';

const POLL_MS = 100;
const BAR_WIDTH = 24;

/** How far a new node is. */
export interface JoinState {
  /** Of a snapshot that is not restored yet: bytes there and in all; null when none is on its way. */
  readonly snapshot: { readonly receivedBytes: number; readonly bytes: number } | null;
  /** How far the node's log matches, and how far the leader's goes. */
  readonly matched: number;
  readonly last: number;
}

/**
 * Waits until a node that was added has caught up: votes, or as a learner has the whole log. Shows how it does,
 * from the leader's account of its log and from its own events about a snapshot.
 * @throws {CliError} 3 when it has not within the time that the command has.
 */
export async function awaitMember(context: ClientContext, id: string, asLearner: boolean): Promise<MembersReport> {
  const { cluster, notes } = context;
  const { now, timeoutMs } = cluster.parts;
  const interrupt = context.interrupt();
  const giveUpAt = now() + timeoutMs;
  let snapshot: JoinState['snapshot'] = null;
  const tail = tailOf(context, ({ receivedBytes, bytes }) => (snapshot = { receivedBytes, bytes }));
  try {
    for (;;) {
      const report = await unlessInterrupted(cluster.members(), interrupt, () => interrupted(id));
      const member = report.effective.members.find((each) => each.id === id);
      if (member === undefined) throw new CliError(`${id} is not a member any more`);
      const matched = member.progress?.matched ?? 0;
      const isThere = asLearner ? member.progress !== null && matched >= report.commitIndex : member.role === 'voter' && report.committed.index >= report.effective.index;
      if (isThere) return report;
      notes.progress(progressLine(id, { snapshot: matched === 0 ? snapshot : null, matched, last: report.lastLog.index }));
      if (interrupt.aborted) interrupted(id);
      if (now() >= giveUpAt) throw new CliError(`${id} has not caught up within ${timeoutMs / 1000} s and goes on trying; it is at ${matched} of ${report.lastLog.index} entries`, EXIT.unavailable);
      await context.pause(POLL_MS, interrupt);
    }
  } finally {
    notes.progress('');
    tail?.close();
  }
}

/** @throws {CliError} 130, always. */
function interrupted(id: string): never {
  throw new CliError(`interrupted; ${id} goes on catching up, see \`rxraft member list\``, EXIT.interrupted);
}

/** `d  [████····]  33 %  snapshot, 1.0 of 3.0 MiB`. */
export function progressLine(id: string, { snapshot, matched, last }: JoinState): string {
  const part = snapshot === null ? matched / Math.max(1, last) : snapshot.receivedBytes / Math.max(1, snapshot.bytes);
  const filled = Math.round(Math.min(1, part) * BAR_WIDTH);
  const what = snapshot === null ? `log, ${matched} of ${last} entries` : snapshotText(snapshot);
  return `${id}  [${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}]  ${Math.floor(Math.min(1, part) * 100)} %  ${what}`;
}

function snapshotText({ receivedBytes, bytes }: { readonly receivedBytes: number; readonly bytes: number }): string {
  return receivedBytes >= bytes ? `snapshot of ${mebibytes(bytes)} MiB, being restored` : `snapshot, ${mebibytes(receivedBytes)} of ${mebibytes(bytes)} MiB`;
}

function tailOf({ flags }: ClientContext, onReceived: (event: EventOf<'SnapshotReceived'>) => void): EventTail | null {
  if (flags.http === undefined) return null;
  return new EventTail(`http://${flags.http}/events?type=SnapshotReceived`, { onMessage: ({ event, data }) => event === 'SnapshotReceived' && onReceived(JSON.parse(data) as EventOf<'SnapshotReceived'>) });
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
