import type { EventType, RaftEventBody } from '../../core/events.js';
import { MetricsDraft } from './draft.js';
import type { RaftMetrics } from './metrics.js';
import type { FoldRule, FoldRules } from './rule.js';
import { clientRules } from './rules-client.js';
import { electionRules } from './rules-election.js';
import { lifecycleRules } from './rules-lifecycle.js';
import { logRules } from './rules-log.js';
import { replicationRules } from './rules-replication.js';
import { seal } from './seal.js';

/**
 * Every kind has exactly one rule: a kind without one does not compile. A table in place of a switch names
 * each kind once, spreads over files by subject, and costs the same.
 */
const RULES: FoldRules = { ...lifecycleRules, ...electionRules, ...logRules, ...replicationRules, ...clientRules };

/** By name, without what an object inherits: a kind called `constructor` must be unknown. */
const RULE_OF: ReadonlyMap<string, FoldRule<EventType>> = new Map(Object.entries(RULES) as [string, FoldRule<EventType>][]);

/**
 * Folds events into metrics in place: `apply` is O(1) and allocates nothing for ⊞ kinds; the frozen value
 * is built only when someone asks for it. `reduceMetrics` is this very fold as a pure function.
 */
export class MetricsFold {
  private readonly draft: MetricsDraft;
  private latest: RaftMetrics;
  private isDirty = false;

  /** Continues from any metrics; they are not changed. */
  constructor(from: RaftMetrics) {
    this.draft = new MetricsDraft(from);
    this.latest = from;
  }

  /**
   * Folds one event in, stamped or not. An unknown kind (from a newer version) advances `seq` alone.
   * @param atMs its monotonic time, as in the envelope.
   */
  apply(event: RaftEventBody, atMs: number, seq: number): void {
    const { draft } = this;
    draft.seq = seq;
    this.isDirty = true;
    const rule = RULE_OF.get(event.type);
    if (rule === undefined) return;
    // A term never shrinks (§5.1), though the end of a leadership may be stated after the term that ended it.
    if (event.term > draft.term) draft.term = event.term;
    rule(draft, event, atMs);
  }

  /** The state now, deeply frozen; the same reference until the next `apply`, sharing all that did not change. */
  snapshot(): RaftMetrics {
    if (this.isDirty) {
      this.latest = seal(this.draft, this.latest);
      this.isDirty = false;
    }
    return this.latest;
  }
}
