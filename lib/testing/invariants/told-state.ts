import type { RaftEvent, ReplicationState, Role } from '../../core/events.js';
import type { LogIndex, NodeId, Term } from '../../core/ids.js';
import { must } from './violation.js';

const PROPERTY = 'every event follows from those before it';

/**
 * What a run's events have said so far, held against what the next one starts from. A fold forgives an event
 * that comes twice or says what was so already; this does not.
 */
export class ToldState {
  #role: Role = 'follower';
  #term: Term = 0;
  #leaderId: NodeId | null = null;
  #last: LogIndex = 0;
  #committed: LogIndex = 0;
  #applied: LogIndex = 0;
  #compacted: LogIndex = 0;
  #isEstablished = false;
  #isLeaseValid = false;
  #round = 0;
  readonly #peers = new Map<NodeId, ReplicationState>();

  /** @throws {InvariantViolation} when the event does not start where the last ones ended. */
  take(id: NodeId, event: RaftEvent): void {
    const follows = (field: string, told: unknown, now: unknown): void => {
      must(told === now, PROPERTY, () => `${id}: ${event.type} starts from ${field} ${String(now)}, which was told to be ${String(told)}: ${JSON.stringify(event)}`);
    };
    switch (event.type) {
      case 'NodeStarted':
        this.#role = event.role;
        this.#term = event.term;
        this.#last = event.lastLog.index;
        this.#committed = event.committed.index;
        this.#applied = event.applied.index;
        this.#compacted = event.compacted.index;
        break;
      case 'RoleChanged':
        follows('role', this.#role, event.from);
        follows('the same role', true, event.from !== event.to);
        this.#role = event.to;
        break;
      case 'TermAdvanced':
        follows('term', this.#term, event.from);
        follows('an earlier term', true, event.to > event.from);
        this.#term = event.to;
        break;
      case 'NewLeader':
      case 'LeaderLost':
        follows('leader', this.#leaderId, event.previousLeaderId);
        this.#leaderId = event.type === 'NewLeader' ? event.leaderId : null;
        break;
      case 'LatestLog':
        follows('a log that ends at', this.#last + 1, event.first);
        follows('its count', event.logId.index - event.first + 1, event.count);
        this.#last = event.logId.index;
        break;
      case 'LogTruncated':
        follows('a log that ends at', this.#last, event.after.index + event.removed);
        this.#last = event.after.index;
        break;
      case 'CommitAdvanced':
        follows('commit index', this.#committed, event.from);
        follows('an earlier index', true, event.to.index > event.from);
        this.#committed = event.to.index;
        break;
      case 'EntriesApplied':
        follows('applied index', this.#applied + 1, event.from);
        this.#applied = event.to.index;
        break;
      case 'LogCompacted':
        follows('less compacted', true, event.through.index > this.#compacted);
        this.#compacted = event.through.index;
        break;
      case 'SnapshotInstalled':
        this.#last = event.lastLog.index;
        this.#committed = this.#applied = this.#compacted = event.last.index;
        break;
      default:
        this.#takeLeadership(event, follows);
    }
  }

  #takeLeadership(event: RaftEvent, follows: (field: string, told: unknown, now: unknown) => void): void {
    switch (event.type) {
      case 'LeadershipAcquired':
        this.#isEstablished = false;
        this.#round = 0;
        break;
      case 'LeadershipEstablished':
        follows('established', this.#isEstablished, false);
        this.#isEstablished = true;
        break;
      case 'LeadershipLost':
        follows('a valid lease', this.#isLeaseValid, false);
        follows('peers', this.#peers.size, 0);
        break;
      case 'LeaseChanged':
        follows('lease', this.#isLeaseValid, !event.valid);
        this.#isLeaseValid = event.valid;
        break;
      case 'QuorumAcknowledged':
        follows('an earlier round', true, event.round > this.#round);
        this.#round = event.round;
        break;
      case 'ReplicationStarted':
        follows('replication', this.#peers.has(event.peer), false);
        this.#peers.set(event.peer, 'probe');
        break;
      case 'ReplicationStopped':
        follows('replication', this.#peers.delete(event.peer), true);
        break;
      case 'ReplicationStateChanged':
        follows('another state', true, this.#peers.get(event.peer) !== event.state);
        this.#peers.set(event.peer, event.state);
        break;
      default:
    }
  }
}
