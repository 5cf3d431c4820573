import { configurationOf } from '../core/configuration.js';
import { EMPTY_PAYLOAD, type Entry } from '../core/entry.js';
import type { Append } from '../core/messages.js';
import type { PeerMessage } from '../ports/transport.js';

/** Consecutive command entries of one term, each payload filled with its place. */
export function sampleEntries(first: number, count: number, payloadBytes: number): Entry[] {
  const entries: Entry[] = [];
  for (let place = 0; place < count; place += 1) {
    entries.push({ index: first + place, term: 3, kind: 'command', payload: new Uint8Array(payloadBytes).fill(place) });
  }
  return entries;
}

/** An append that carries the entries, which follow the entry before the first. */
export function appendOf(entries: readonly Entry[], round = 1): Append {
  return { type: 'append', term: 3, round, previous: { index: (entries[0]?.index ?? 1) - 1, term: 3 }, commit: 0, entries };
}

/** At least one message of every kind, with every variant of its fields and the ends of their ranges. */
export function sampleMessages(): readonly PeerMessage[] {
  const large = Number.MAX_SAFE_INTEGER;
  const last = { index: 2 ** 40, term: 7 };
  const configuration = { ...configurationOf({ a: '127.0.0.1:1', b: '[::1]:2', c: '' }), learners: ['c'], voters: ['a', 'b'] };
  const snapshot = { last, configuration, configurationIndex: 12, bytes: 5_000_000_000 };
  const mixed: Entry[] = [
    { index: large - 3, term: 2, kind: 'noop', payload: EMPTY_PAYLOAD },
    { index: large - 2, term: 300, kind: 'command', payload: new Uint8Array(70_000).fill(5) },
    { index: large - 1, term: 2 ** 45, kind: 'configuration', payload: new Uint8Array(255).fill(6) },
    { index: large, term: large, kind: 'command', payload: new Uint8Array(256).fill(7) },
  ];
  return [
    { type: 'preVoteRequest', term: 8, lastLog: last },
    { type: 'preVoteReply', term: 8, granted: true },
    { type: 'voteRequest', term: 8, lastLog: { index: 0, term: 0 }, transfer: true },
    { type: 'voteReply', term: 8, granted: false },
    { type: 'append', term: 9, round: 1, previous: { index: 0, term: 0 }, commit: 0, entries: [] },
    { type: 'append', term: large, round: 2 ** 32, previous: { index: large - 4, term: 1 }, commit: 127, entries: mixed },
    { type: 'appendReply', term: 9, round: 2, matched: large, willing: true },
    { type: 'appendRejected', term: 9, round: 3, rejected: 128, hint: { index: 65_536, term: 4 } },
    { type: 'heartbeat', term: 9, round: 4, commit: 256 },
    { type: 'heartbeatReply', term: 9, round: 5, willing: false },
    { type: 'installSnapshot', term: 9, round: 6, snapshot, attempt: large, offset: 4_999_999_000, data: new Uint8Array(1000).fill(8), checksum: 0xffffffff, done: true },
    { type: 'installSnapshot', term: 9, round: 7, snapshot, attempt: 1, offset: 0, data: EMPTY_PAYLOAD, checksum: 0, done: false },
    { type: 'installSnapshotReply', term: 9, round: 8, last, attempt: 1, received: 1000, gap: true, installed: false, matched: 0 },
    { type: 'installSnapshotReply', term: 9, round: 8, last, attempt: 0, received: 5_000_000_000, gap: false, installed: true, matched: large },
    { type: 'timeoutNow', term: 9 },
    { type: 'forwardRequest', id: 1, operation: 'propose', payload: Uint8Array.of(1, 2, 3), timeoutMs: 1500 },
    { type: 'forwardRequest', id: large, operation: 'readIndex', payload: EMPTY_PAYLOAD, timeoutMs: 0 },
    { type: 'forwardReply', id: 1, outcome: { ok: true, index: 10, term: 9, value: Uint8Array.of(4, 5) } },
    { type: 'forwardReply', id: 2, outcome: { ok: false, code: 'notLeader', message: 'ask b — über', leaderId: 'b' } },
    { type: 'forwardReply', id: 3, outcome: { ok: false, code: 'stopped', message: '', leaderId: null } },
  ];
}
