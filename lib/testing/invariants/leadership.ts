import type { NodeId, Term } from '../../core/ids.js';
import type { CoreStatus } from '../../core/status.js';
import type { ObservedTurn } from '../../node/turn-loop.js';
import type { ServerRecord } from './server-record.js';
import { must } from './violation.js';

/** Election Safety (§5.2): "at most one leader can be elected in a given term". Enters new leaders into the table. */
export function electionSafety(leaders: Map<Term, NodeId>, id: NodeId, { output, now }: ObservedTurn): void {
  for (const event of output.events) {
    if (event.type !== 'LeadershipAcquired') continue;
    const other = leaders.get(event.term);
    must(other === undefined, 'Election Safety (§5.2)', () => `${id} becomes leader of term ${event.term} at ${now}, which ${String(other)} has led`);
    leaders.set(event.term, id);
  }
}

/** Leader Append-Only (§5.3): "a leader never overwrites or deletes entries in its log; it only appends new entries". */
export function leaderAppendOnly(id: NodeId, before: CoreStatus | null, { output }: ObservedTurn): void {
  let isLeader = before?.role === 'leader';
  let wasDeposed = !isLeader;
  for (const event of output.events) {
    if (event.type === 'LeadershipAcquired') isLeader = true;
    else if (event.type === 'LogTruncated') must(!isLeader, 'Leader Append-Only (§5.3)', () => `${id} leads and truncates its log after ${event.after.index}`);
    else if (event.type === 'LeadershipLost') {
      isLeader = false;
      wasDeposed = true;
    }
  }
  const cut = output.write?.truncateAfter ?? null;
  must(wasDeposed || cut === null, 'Leader Append-Only (§5.3)', () => `${id} leads and cuts its disk after ${String(cut)}`);
}

/** Thesis §6.4.1: while one server's lease is valid no other is established, whatever configuration each of them is in. */
export function leaseExclusivity(servers: ReadonlyMap<NodeId, ServerRecord>, id: NodeId, status: CoreStatus): void {
  if (!holdsLease(status)) return;
  for (const { id: other, run } of servers.values()) {
    const isHeld = other !== id && run?.isSuspended === false && !run.hasEnded && run.status !== null && holdsLease(run.status);
    must(!isHeld, 'leases exclude each other (thesis §6.4.1)', () => `${id} holds a lease in term ${status.term} while ${other} holds one in term ${String(run?.status?.term)}`);
  }
}

function holdsLease({ leadership }: CoreStatus): boolean {
  return leadership !== null && leadership.established && leadership.leaseValid;
}
