import type { RaftEventBody } from './events.js';
import type { LogIndex } from './ids.js';
import type { Outbound } from './messages.js';
import type { ApplyEffect, DurableWrite, LogRead, MembershipOutcome, ProposalOutcome, ReadOutcome, SnapshotChunk, SnapshotSend, TransferOutcome, TurnOutput } from './output.js';

/** Not frozen: to iterate over a frozen list takes V8 a slower path, ten times in every turn. */
const NONE: readonly never[] = [];

/** What a turn has gathered so far. Emptied by `take`, once a turn. */
export class Outbox {
  write: DurableWrite | null = null;
  apply: ApplyEffect | null = null;
  compactThrough: LogIndex | null = null;
  messages: Outbound[] = [];
  proposals: ProposalOutcome[] = [];
  reads: ReadOutcome[] = [];
  membershipOutcomes: MembershipOutcome[] = [];
  transferOutcomes: TransferOutcome[] = [];
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
      compactThrough: this.compactThrough,
      proposals: this.proposals.length === 0 ? NONE : this.proposals,
      reads: this.reads.length === 0 ? NONE : this.reads,
      membershipOutcomes: this.membershipOutcomes.length === 0 ? NONE : this.membershipOutcomes,
      transferOutcomes: this.transferOutcomes.length === 0 ? NONE : this.transferOutcomes,
      logReads: this.logReads.length === 0 ? NONE : this.logReads,
      snapshotSends: this.snapshotSends.length === 0 ? NONE : this.snapshotSends,
      snapshotChunks: this.snapshotChunks.length === 0 ? NONE : this.snapshotChunks,
      events: this.events.length === 0 ? NONE : this.events,
    };
    this.write = null;
    this.apply = null;
    this.compactThrough = null;
    if (this.messages.length > 0) this.messages = [];
    if (this.proposals.length > 0) this.proposals = [];
    if (this.reads.length > 0) this.reads = [];
    if (this.membershipOutcomes.length > 0) this.membershipOutcomes = [];
    if (this.transferOutcomes.length > 0) this.transferOutcomes = [];
    if (this.logReads.length > 0) this.logReads = [];
    if (this.snapshotSends.length > 0) this.snapshotSends = [];
    if (this.snapshotChunks.length > 0) this.snapshotChunks = [];
    if (this.events.length > 0) this.events = [];
    return output;
  }
}
