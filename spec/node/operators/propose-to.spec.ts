import { EMPTY, NEVER, Subject, from, of, throwError, toArray, firstValueFrom, map, take, type Observable } from 'rxjs';
import { proposeTo, type Proposer, type ProposeToOptions } from '../../../lib/node/operators/propose-to.js';
import type { Applied, CallOptions } from '../../../lib/node/raft-node.js';
import { ConfigError, NotLeaderError, OverloadedError } from '../../../lib/ports/errors.js';
import { MemoryCluster } from '../../support/memory-cluster.js';
import { marbles } from '../../support/marbles.js';
import { recorded } from '../../support/recorded.js';

const BOOM = new NotLeaderError(null, null);

/** Settles in virtual time: `in` gives for each command the stream whose value or error is what becomes of it. */
function virtualProposer(answer: (command: string) => Observable<string>, trace: string[] = []): Proposer<string, string> {
  let index = 0;
  return {
    propose: (command: string, { signal }: CallOptions = {}) => {
      trace.push(command);
      signal?.addEventListener('abort', () => trace.push(`abort ${command}`));
      const applied = (value: string): Applied<string> => ({ index: (index += 1), term: 1, value });
      const thenable = {
        then(resolve: (value: Applied<string>) => void, reject: (error: unknown) => void): void {
          answer(command).subscribe({ next: (value) => resolve(applied(value)), error: reject });
        },
      };
      return thenable as unknown as Promise<Applied<string>>; // a promise that keeps to the test's clock
    },
  };
}

interface Run {
  readonly source: string;
  readonly gives: string;
  /** How long each command takes, and how it ends; by default `--r`. */
  readonly answers?: Record<string, string>;
  readonly options?: ProposeToOptions & { readonly onError?: 'throw' };
  readonly error?: unknown;
  readonly unsubscription?: string;
  readonly proposed?: readonly string[];
}

function check({ source, gives, answers = {}, options = { concurrency: 2 }, error = BOOM, unsubscription, proposed }: Run): void {
  const trace: string[] = [];
  marbles(({ hot, cold, expectObservable }) => {
    const proposer = virtualProposer((command) => cold(answers[command] ?? '--r', { r: command.toUpperCase() }, BOOM), trace);
    const commands = hot(source);
    const results = commands.pipe(proposeTo(proposer, options));
    const values = Object.fromEntries([...'ABCDEFG'].map((value) => [value, expect.objectContaining({ value })]));
    expectObservable(results, unsubscription).toBe(gives, values, error);
  });
  if (proposed !== undefined) expect(trace).toEqual(proposed);
}

describe('proposeTo', () => {
  test('proposes every command and emits the results', () => check({ source: '-a--b---|', gives: '---A--B-|', proposed: ['a', 'b'] }));
  test('of an empty stream is empty', () => check({ source: '|', gives: '|' }));
  test('of a silent stream is silent', () => check({ source: '-', gives: '-' }));
  test('passes an error of the source on at once, and aborts what is outstanding', () => check({ source: '-a#', gives: '--#', error: 'error', proposed: ['a', 'abort a'] }));
  test('completes after the last result', () => check({ source: '-a|', gives: '---(A|)' }));

  test('has at most `concurrency` commands outstanding; the rest queues, in order', () =>
    check({ source: '-(abc)-|', gives: '---(AB)(C|)', answers: { c: '----r' }, proposed: ['a', 'b', 'c'] }));
  test('one at a time is possible', () => check({ source: '(abc|)', gives: '--A-B-(C|)', options: { concurrency: 1 } }));

  test('emits in the order of the source, and counts a result that waits for an earlier one as outstanding', () =>
    check({ source: '(abc|)', gives: '-----(AB)(C|)', answers: { a: '-----r', b: '-r', c: '----r' }, proposed: ['a', 'b', 'c'] }));

  test('the first failure ends the stream, after the results before it; nothing behind it is proposed any more', () =>
    check({ source: '(abcd|)', gives: '----(A#)', answers: { a: '----r', b: '-#', c: '-r' }, options: { concurrency: 3 }, proposed: ['a', 'b', 'c', 'abort c'] }));

  test('unsubscribed early, it aborts what is outstanding and drops what queues', () =>
    check({ source: '-(abc)--d', unsubscription: '^-!', gives: '---', proposed: ['a', 'b', 'abort a', 'abort b'] }));

  test('one command too many ends the stream: `maxQueued` wait behind the outstanding ones', () => {
    check({ source: '(abc|)', gives: '--(AB)(C|)', answers: { c: '----r' }, options: { concurrency: 2, maxQueued: 1 } });
    check({ source: '-(abcd|)', gives: '-#', options: { concurrency: 2, maxQueued: 1 }, error: new OverloadedError('the queue of proposeTo', 1), proposed: ['a', 'b', 'abort a', 'abort b'] });
    check({ source: '-(abc|)', gives: '-#', options: { concurrency: 2, maxQueued: 0 }, error: new OverloadedError('the queue of proposeTo', 0) });
  });

  test('emits failures in their place when told to', () =>
    marbles(({ hot, cold, expectObservable }) => {
      const proposer = virtualProposer((command) => (command === 'b' ? cold('#', undefined, BOOM) : cold('--r', { r: command.toUpperCase() })));
      const results = hot('(abc|)').pipe(proposeTo(proposer, { concurrency: 3, onError: 'emit' }));
      expectObservable(results).toBe('--(xyz|)', {
        x: { ok: true, command: 'a', applied: expect.objectContaining({ value: 'A' }) },
        y: { ok: false, command: 'b', error: BOOM },
        z: { ok: true, command: 'c', applied: expect.objectContaining({ value: 'C' }) },
      });
    }));

  test('a subscriber that feeds results back in is served after its own call, without recursion', () => {
    const commands = new Subject<string>();
    const depth = { now: 0, most: 0 };
    const results: string[] = [];
    commands.pipe(proposeTo(virtualProposer((command) => of(command)), { concurrency: 1 })).subscribe(({ value }) => {
      depth.most = Math.max(depth.most, (depth.now += 1));
      results.push(value);
      if (results.length < 500) commands.next(`${results.length}`);
      depth.now -= 1;
    });
    commands.next('0');
    expect(results).toHaveLength(500);
    expect(depth.most).toBe(1);
  });

  test('a subscriber that feeds too much back in meets the bound too', () => {
    const commands = new Subject<string>();
    const results = recorded(commands.pipe(proposeTo(virtualProposer((command) => of(command)), { concurrency: 1, maxQueued: 2 })), ({ value }) => {
      if (value === '0') for (const each of ['1', '2', '3', '4']) commands.next(each);
      return value;
    });
    commands.next('0');
    expect(results.notes).toEqual([expect.stringContaining('error: the queue of proposeTo'), '0']);
  });

  test('a subscriber that leaves in the middle of a burst of results gets no more', () => {
    const trace: string[] = [];
    const proposer = virtualProposer((command) => of(command), trace);
    const results = from(['a', 'b', 'c', 'd']).pipe(proposeTo(proposer, { concurrency: 3 }), take(2), map(({ value }) => value));
    expect(recorded(results).notes).toEqual(['a', 'b', 'complete']);
    expect(trace).not.toContain('c');
  });

  test('EMPTY and a stream that fails at once need no proposer', () => {
    const proposer = virtualProposer(() => NEVER);
    expect(recorded(EMPTY.pipe(proposeTo(proposer))).notes).toEqual(['complete']);
    expect(recorded(throwError(() => new Error('no')).pipe(proposeTo(proposer))).notes).toEqual(['error: no']);
  });

  test('options are checked', () => {
    const proposer = virtualProposer(() => NEVER);
    for (const options of [{ concurrency: 0 }, { concurrency: 1.5 }, { maxQueued: -1 }, { maxQueued: NaN }]) expect(() => proposeTo(proposer, options)).toThrow(ConfigError);
  });

  test('on a real node: a hundred commands, sixteen at a time, with their results in order', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    const words = Array.from({ length: 100 }, (_, at) => `w${at}`);
    const results = await firstValueFrom(from(words).pipe(proposeTo(node, { concurrency: 16 }), toArray()));
    expect(results.map(({ value }) => value)).toEqual(words.map((_, at) => at + 1));
    expect(cluster.run('a').machine.words).toEqual(words);
    await cluster.stop();
  });
});
