import type { Entry } from '../../lib/core/entry.js';
import type { RaftEventBody } from '../../lib/core/events.js';
import { Proposal, ProposalTable } from '../../lib/node/proposals.js';
import { outcomeOf, type Outcome } from '../support/memory-cluster.js';

const PAYLOAD = new Uint8Array();

/** Entries from `first` on, one for each term named. */
const entries = (first: number, ...terms: number[]): Entry[] => terms.map((term, i) => ({ index: first + i, term, kind: 'command', payload: PAYLOAD }));

describe('ProposalTable', () => {
  let table: ProposalTable;
  let reported: RaftEventBody[];
  beforeEach(() => {
    table = new ProposalTable(10);
    reported = [];
  });

  /** Adds proposals and takes them for the turn. */
  const taken = (count: number, timeoutMs = 100): { readonly proposals: readonly Proposal[]; readonly outcomes: Outcome<unknown>[] } => {
    for (let i = 0; i < count; i += 1) table.add(new Proposal(PAYLOAD, 0, timeoutMs));
    const proposals = table.takeWaiting();
    return { proposals, outcomes: proposals.map(({ promise }) => outcomeOf(promise)) };
  };
  const accept = (proposals: readonly Proposal[], firstIndex: number, term: number): void => {
    expect(table.settle(proposals, { accepted: proposals.length, firstIndex, term, refusal: null })).toEqual([]);
  };
  const apply = (range: Entry[], now = 5): void =>
    table.applied({ entries: range, results: range.map(({ index }) => `r${index}`) }, now, 9, (event) => reported.push(event));
  const settled = async (outcomes: readonly Outcome<unknown>[]): Promise<unknown[]> => {
    await Promise.resolve();
    await Promise.resolve();
    return outcomes.map(({ state, value, error }) => (state === 'resolved' ? value : error instanceof Error ? error.name : state));
  };

  test('an applied range answers those whose entries stand in it, with the result at their index', async () => {
    const { proposals, outcomes } = taken(3);
    accept(proposals, 5, 2);
    apply(entries(4, 1, 2, 2));
    expect(await settled(outcomes)).toEqual([{ index: 5, term: 2, value: 'r5' }, { index: 6, term: 2, value: 'r6' }, 'pending']);
    apply(entries(7, 2));
    expect((await settled(outcomes))[2]).toEqual({ index: 7, term: 2, value: 'r7' });
    expect(table.count).toBe(0);
    expect(reported).toEqual([
      { type: 'ProposalsCommitted', term: 9, count: 2, commitMs: 5 },
      { type: 'ProposalsCommitted', term: 9, count: 1, commitMs: 5 },
    ]);
  });

  test('S28 an entry of another term in its place rejects a proposal; its own term, though it was lost in between, resolves it', async () => {
    const { proposals, outcomes } = taken(2);
    accept(proposals, 5, 2);
    const later = taken(1);
    accept(later.proposals, 6, 4); // won again, after the log was cut behind 5
    apply(entries(5, 2, 4));
    expect(await settled([...outcomes, ...later.outcomes])).toEqual([{ index: 5, term: 2, value: 'r5' }, 'ProposalRejectedError', { index: 6, term: 4, value: 'r6' }]);
    expect(reported).toMatchObject([
      { type: 'ProposalsCommitted', count: 2 },
      { type: 'ProposalsDropped', count: 1, reason: 'superseded' },
    ]);
  });

  test('what a snapshot jumped over has no known outcome', async () => {
    const { proposals, outcomes } = taken(2);
    accept(proposals, 5, 2);
    apply(entries(9, 3));
    expect(await settled(outcomes)).toEqual(['ProposalIndeterminateError', 'ProposalIndeterminateError']);
    expect(reported).toMatchObject([{ type: 'ProposalsDropped', count: 2, reason: 'indeterminate' }]);
  });

  test('when part of a turn\'s proposals is accepted, the rest comes back', async () => {
    const { proposals } = taken(3);
    expect(table.settle(proposals, { accepted: 1, firstIndex: 5, term: 2, refusal: 'overloaded' })).toEqual(proposals.slice(1));
    expect(proposals.map(({ stage }) => stage)).toEqual(['standing', 'waiting', 'waiting']);
    expect(table.count).toBe(1);
  });

  test('at the bound it refuses, counting those that wait and those that stand', () => {
    const { proposals } = taken(6);
    accept(proposals, 5, 2);
    for (let i = 0; i < 4; i += 1) table.add(new Proposal(PAYLOAD, 0, 100));
    expect(() => table.add(new Proposal(PAYLOAD, 0, 100))).toThrow('maxPendingProposals is at its bound of 10');
  });

  test('those that ended while they stood leave room again, although their entries are never applied', async () => {
    const { proposals, outcomes } = taken(10, 50);
    accept(proposals, 5, 2); // lost with the term: the log may never reach their indexes
    expect(() => table.add(new Proposal(PAYLOAD, 0, 100))).toThrow('maxPendingProposals');
    table.expire(60);
    expect(await settled(outcomes)).toEqual(Array.from({ length: 10 }, () => 'ProposalIndeterminateError'));
    expect(table.count).toBe(0);
    expect(taken(10).proposals).toHaveLength(10);
  });

  test('a time limit says timeout of what did nothing yet, and indeterminate of what stands in the log', async () => {
    const { proposals, outcomes } = taken(1, 100);
    accept(proposals, 5, 2);
    const waiting = new Proposal(PAYLOAD, 0, 150);
    table.add(waiting);
    const waits = outcomeOf(waiting.promise);
    expect(table.expire(99)).toEqual({ dropped: 0, next: 100 });
    expect(table.expire(100)).toEqual({ dropped: 1, next: 150 });
    expect(table.expire(150)).toEqual({ dropped: 0, next: Infinity });
    expect(await settled([...outcomes, waits])).toEqual(['ProposalIndeterminateError', 'TimeoutError']);
    expect(table.takeWaiting()).toEqual([]);
  });

  test('a proposal that ended early is not reported again when its entry is applied', async () => {
    const { proposals, outcomes } = taken(2);
    accept(proposals, 5, 2);
    proposals[0]?.reject(new Error('aborted'));
    apply(entries(5, 2, 2));
    expect(await settled(outcomes)).toEqual(['Error', { index: 6, term: 2, value: 'r6' }]);
    expect(reported).toMatchObject([{ type: 'ProposalsCommitted', count: 1 }]);
  });

  test.each(['stopped', 'fatalError'] as const)('at the end (%s) those that wait did not happen, and those that stand may have', async (reason) => {
    const { proposals, outcomes } = taken(2);
    accept(proposals, 5, 2);
    const waiting = new Proposal(PAYLOAD, 0, 100);
    table.add(waiting);
    const waits = outcomeOf(waiting.promise);
    expect(table.end(reason, new Error('cause'))).toBe(2);
    expect(await settled([...outcomes, waits])).toEqual(['ProposalIndeterminateError', 'ProposalIndeterminateError', 'StoppedError']);
    expect(outcomes[0]?.error).toMatchObject({ reason, cause: new Error('cause') });
    expect(table.count).toBe(0);
  });
});
