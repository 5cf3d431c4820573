import type { RaftEventBody } from '../../core/events.js';
import { ORIGIN, type LogId } from '../../core/ids.js';
import type { TurnOutput } from '../../core/output.js';
import type { CoreStatus } from '../../core/status.js';
import { isSame, nameOf, type AgreedLog } from './agreed-log.js';
import type { RunRecord } from './server-record.js';
import type { ShadowLog } from './shadow-log.js';
import { must } from './violation.js';

/** Log Matching (§5.3): logs that share an entry of the same index and term are identical up to it. Follows what the turn made of the log. */
export function logMatching(agreed: AgreedLog, id: string, { log }: RunRecord, { write, events }: TurnOutput): void {
  const property = 'Log Matching (§5.3)';
  for (const event of events) if (event.type === 'SnapshotInstalled') log.restart(event.last);
  if (write === null) return;
  const { truncateAfter } = write;
  if (truncateAfter !== null) must(log.truncateAfter(truncateAfter), property, () => `${id} cuts its log after ${truncateAfter}, a snapshot stands for all through ${log.base.index}`);
  for (const entry of write.entries) {
    const { index, term } = log.last;
    must(entry.index === index + 1, property, () => `${id} appends ${nameOf(entry)} to a log that ends at ${index}`);
    agreed.noteAppended(property, id, entry, term);
    log.append(entry);
  }
}

/** What was written is what the core believes to hold. */
export function shadowEqualsLog(id: string, { log: { last } }: RunRecord, { lastLog }: CoreStatus): void {
  must(last.index === lastLog.index && last.term === lastLog.term, 'every append is written', () => `${id} believes its log to end at ${lastLog.index} of term ${lastLog.term}; its writes end at ${nameOf(last)}`);
}

/** Leader Completeness (§5.4): a committed entry "will be present in the logs of the leaders for all higher-numbered terms", in a snapshot or as it is. */
export function leaderCompleteness(agreed: AgreedLog, id: string, log: ShadowLog, events: readonly RaftEventBody[]): void {
  const property = 'Leader Completeness (§5.4)';
  for (const event of events) {
    if (event.type !== 'LeadershipAcquired') continue;
    snapshotsAreOfWhatIsCommitted(agreed, id, log.base);
    for (let index = log.base.index + 1; index <= agreed.commitIndex; index += 1) {
      const committed = agreed.committed[index - 1];
      if (committed === undefined || (agreed.committedIn[index - 1] ?? 0) >= event.term) continue;
      const own = log.at(index);
      must(own !== undefined && isSame(own, committed), property, () => `${id} becomes leader of term ${event.term} and holds ${nameOf(own)} where ${nameOf(committed)} is committed`);
    }
  }
}

/** §7: "servers compact only committed entries"; so a snapshot ends at one. */
export function snapshotsAreOfWhatIsCommitted(agreed: AgreedLog, id: string, { index, term }: LogId): void {
  const committed = agreed.committed[index - 1];
  must(index === 0 || committed?.term === term, 'snapshots hold what is committed (§7)', () => `${id} has a snapshot through ${index} of term ${term}; committed there is ${nameOf(committed)}`);
}

/**
 * One configuration at a time (thesis §4.1): a leader appends one only when the one before it is committed, and not before an
 * entry of its own term is (S29: else it may not know of the one before); and none is without voters.
 */
export function configurationsFollowOneAnother(id: string, before: CoreStatus | null, events: readonly RaftEventBody[]): void {
  const property = 'one change of the configuration at a time (thesis §4.1)';
  let isLeader = before?.role === 'leader';
  let committed = before?.committed ?? ORIGIN;
  let effective = before?.effective.index ?? 0;
  for (const event of events) {
    if (event.type === 'LeadershipAcquired') isLeader = true;
    else if (event.type === 'LeadershipLost') isLeader = false;
    else if (event.type === 'CommitAdvanced') committed = event.to;
    else if (event.type === 'NodeStarted') [committed, effective] = [event.committed, event.configurationIndex];
    else if (event.type === 'SnapshotInstalled') [committed, effective] = [event.last, event.configurationIndex];
    else if (event.type === 'MembershipReverted') effective = event.index;
    else if (event.type === 'MembershipAppended') {
      const [earlier, known] = [effective, committed];
      must(!isLeader || earlier <= known.index, property, () => `${id} leads and appends a configuration at ${event.index}; the one at ${earlier} is not committed (${known.index} is)`);
      must(!isLeader || known.term === event.term, property, () => `${id} leads term ${event.term} and appends a configuration at ${event.index}; it has committed nothing of its term, but ${nameOf(known)}`);
      must(event.configuration.voters.length > 0, property, () => `${id} appends a configuration without voters at ${event.index}`);
      effective = event.index;
    }
  }
}
