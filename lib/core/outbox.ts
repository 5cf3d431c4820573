import type { RaftEventBody } from './events.js';
import type { Outbound } from './messages.js';
import type { ApplyEffect, DurableWrite, LogRead, ProposalOutcome, ReadOutcome, SnapshotChunk, SnapshotSend, TurnOutput } from './output.js';

const NONE: readonly never[] = Object.freeze([]);

/** What a turn has gathered so far. Emptied by `take`, once a turn. */
export class Outbox {
  write: DurableWrite | null = null;
  apply: ApplyEffect | null = null;
  messages: Outbound[] = [];
  proposals: ProposalOutcome[] = [];
  reads: ReadOutcome[] = [];
  logReads: LogRead[] = [];
  snapshotSends: SnapshotSend[] = [];
  snapshotChunks: SnapshotChunk[] = [];
  events: RaftEventBody[] = [];

  /** Hands everything out; lists that stayed empty are kept, since most are in most turns. */
  take(): TurnOutput {
    const output: TurnOutput = {
      write: this.write,
      messages: this.messages.length === 0 ? NONE : this.messages,
      apply: this.apply,
      proposals: this.proposals.length === 0 ? NONE : this.proposals,
      reads: this.reads.length === 0 ? NONE : this.reads,
      logReads: this.logReads.length === 0 ? NONE : this.logReads,
      snapshotSends: this.snapshotSends.length === 0 ? NONE : this.snapshotSends,
      snapshotChunks: this.snapshotChunks.length === 0 ? NONE : this.snapshotChunks,
      events: this.events.length === 0 ? NONE : this.events,
    };
    this.write = null;
    this.apply = null;
    if (this.messages.length > 0) this.messages = [];
    if (this.proposals.length > 0) this.proposals = [];
    if (this.reads.length > 0) this.reads = [];
    if (this.logReads.length > 0) this.logReads = [];
    if (this.snapshotSends.length > 0) this.snapshotSends = [];
    if (this.snapshotChunks.length > 0) this.snapshotChunks = [];
    if (this.events.length > 0) this.events = [];
    return output;
  }
}
