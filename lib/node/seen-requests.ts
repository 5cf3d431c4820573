import type { NodeId } from '../core/ids.js';

/** How many requests of one peer are remembered at least. */
const REMEMBERED = 4096;

/**
 * Which forwarded requests have been taken up. A transport may deliver a message twice, and a proposal that was
 * taken up twice would stand in the log twice; worse, one copy might be refused and the other one committed.
 * Two generations a peer bound the memory: what is forgotten is thousands of requests old.
 */
export class SeenRequests {
  private readonly peers = new Map<NodeId, { recent: Set<number>; older: Set<number> }>();

  /** Whether this is the first time that this request of this peer is seen. */
  isNew(from: NodeId, id: number): boolean {
    let seen = this.peers.get(from);
    if (seen === undefined) {
      seen = { recent: new Set(), older: new Set() };
      this.peers.set(from, seen);
    }
    if (seen.recent.has(id) || seen.older.has(id)) return false;
    if (seen.recent.size >= REMEMBERED) {
      seen.older = seen.recent;
      seen.recent = new Set();
    }
    seen.recent.add(id);
    return true;
  }
}
