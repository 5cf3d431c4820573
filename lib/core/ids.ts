/** A server's name within its cluster: 1–64 of `A–Z a–z 0–9 . _ -`, starting with a letter or a digit. */
export type NodeId = string;

/** An election term. 0 before the first election; grows, never shrinks (paper §5.1). */
export type Term = number;

/** A position in the log, from 1; 0 stands before the first entry. */
export type LogIndex = number;

/** Names one entry for ever: two entries with the same index and term are the same entry (paper §5.3). */
export interface LogId {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What stands before the first entry. */
export const ORIGIN: LogId = Object.freeze({ index: 0, term: 0 });

/** Compares as §5.4.1 does: the later term wins, then the longer log. */
export function isAtLeastAsUpToDate(candidate: LogId, own: LogId): boolean {
  return candidate.term > own.term || (candidate.term === own.term && candidate.index >= own.index);
}

/** Whether a text may serve as a node id or cluster id. */
export function isValidId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);
}
