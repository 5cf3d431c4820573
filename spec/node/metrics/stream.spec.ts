import { config, Subscriber, take } from 'rxjs';
import type { RaftEventBody } from '../../../lib/core/events.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { MetricsStream } from '../../../lib/node/metrics/stream.js';
import { body, deposedIn, electedIn } from '../../support/events.js';
import { unfrozenPaths } from '../../support/frozen.js';
import { recorded } from '../../support/recorded.js';

class Turns extends MetricsStream {
  private seq = 0;

  turn(...bodies: RaftEventBody[]): void {
    this.apply(bodies, 10 * (this.seq + 1), this.seq + 1);
    this.seq += bodies.length;
    this.emitTurn();
  }
}

const commit = (index: number) => body('CommitAdvanced', { from: index - 1, to: { index, term: 1 } });

describe('MetricsStream', () => {
  let stream: Turns;
  beforeEach(() => {
    stream = new Turns('a', 'run-1');
  });

  test('gives the current value first, then one value a turn', () => {
    stream.turn(body('NodeStarted'));
    const { notes } = recorded(stream.metrics, (metrics) => metrics.seq);
    expect(notes).toEqual([1]);
    stream.turn(...electedIn(1));
    stream.turn(commit(2), commit(3));
    expect(notes).toEqual([1, 16, 18]);
  });

  test('a turn without events emits nothing', () => {
    const { notes } = recorded(stream.metrics, (metrics) => metrics.seq);
    stream.turn();
    expect(notes).toEqual([0]);
  });

  test('the value is current with and without subscribers, frozen, and built once', () => {
    stream.turn(body('NodeStarted'), ...electedIn(1));
    const value = stream.metrics.value;
    expect(value).toMatchObject({ seq: 16, role: 'leader' });
    expect(stream.metrics.value).toBe(value);
    expect(unfrozenPaths(value)).toEqual([]);
  });

  test('the value is current as soon as the events are applied, before the turn is emitted', () => {
    const { notes } = recorded(stream.metrics, (metrics) => metrics.seq);
    stream.apply([commit(1)], 10, 1);
    expect([stream.metrics.value.seq, notes]).toEqual([1, [0]]);
    stream.emitTurn();
    expect(notes).toEqual([0, 1]);
  });

  test('a subscriber that returns after an absence gets the newest value, not the one it left at', () => {
    recorded(stream.metrics.pipe(take(1)), (metrics) => metrics.seq);
    stream.turn(commit(1), commit(2));
    expect(recorded(stream.metrics, (metrics) => metrics.seq).notes).toEqual([2]);
  });

  test('within a value handler the value is the one handed in, and a new subscriber gets it once', () => {
    const inner: number[] = [];
    stream.metrics.subscribe((metrics) => {
      expect(stream.metrics.value).toBe(metrics);
      if (metrics.seq === 1) stream.metrics.subscribe((value) => inner.push(value.seq));
    });
    stream.turn(commit(1));
    stream.turn(commit(2));
    expect(inner).toEqual([1, 2]);
  });

  test('S72 a subscriber that throws, even one wired around the safety of RxJS, does not end the turn', async () => {
    const late: unknown[] = [];
    const previous = config.onUnhandledError;
    config.onUnhandledError = (error) => late.push(error);
    class Bare extends Subscriber<RaftMetrics> {
      override next(metrics: RaftMetrics): void {
        if (metrics.seq > 0) throw new Error('bare');
      }
    }
    stream.metrics.subscribe((metrics) => {
      if (metrics.seq > 0) throw new Error('handler');
    });
    const { notes } = recorded(stream.metrics, (metrics) => metrics.seq);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the one way around RxJS's own isolation
    stream.metrics.subscribe(new Bare());
    stream.turn(commit(1));
    stream.turn(commit(2));
    expect(notes).toEqual([0, 1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    config.onUnhandledError = previous;
    expect(late.map(String)).toEqual(['Error: handler', 'Error: bare', 'Error: handler', 'Error: bare']);
  });

  test('completes once; who comes later gets the last value and the end', () => {
    const early = recorded(stream.metrics, (metrics) => metrics.seq);
    stream.turn(body('NodeStopped'));
    stream.complete();
    expect(early.notes).toEqual([0, 1, 'complete']);
    expect(recorded(stream.metrics, (metrics) => metrics.runningState).notes).toEqual(['stopped', 'complete']);
    expect(recorded(stream.serverMetrics, (metrics) => metrics.runningState).notes).toEqual(['stopped', 'complete']);
    expect(stream.metrics.value.seq).toBe(1);
  });

  test('a fatal fault errors the stream and leaves the last value readable', () => {
    const early = recorded(stream.metrics, (metrics) => metrics.seq);
    stream.turn(body('FatalErrorRaised'));
    stream.error(new Error('disk'));
    expect(early.notes).toEqual([0, 1, 'error: disk']);
    expect(recorded(stream.metrics, (metrics) => metrics.runningState).notes).toEqual(['failed', 'error: disk']);
    expect(stream.metrics.value.fatalError).toBe('append: disk is full');
  });
});

describe('the views', () => {
  test('a watcher of the server is woken by a change of role or leader, not by log traffic', () => {
    const stream = new Turns('a', 'run-1');
    stream.turn(body('NodeStarted'), ...electedIn(1));
    const server = recorded(stream.serverMetrics, (metrics) => `${metrics.role} ${metrics.leaderId ?? 'none'}`);
    const data = recorded(stream.dataMetrics, (metrics) => metrics.committed.index);
    const replication = recorded(stream.replicationMetrics, (metrics) => Object.keys(metrics.replication).join());
    for (let index = 2; index < 6; index++) stream.turn(body('ProposalsAccepted'), commit(index), body('ReadServed'));
    stream.turn(body('ReplicationProgressed', { matched: 4 }));
    stream.turn(...deposedIn(1));
    expect(server.notes).toEqual(['leader a', 'follower none']);
    expect(data.notes).toEqual([1, 2, 3, 4, 5]);
    expect(replication.notes).toEqual(['b,c', 'b,c', '']);
  });

  test('an event that repeats what is known wakes no view', () => {
    const stream = new Turns('a', 'run-1');
    stream.turn(body('NodeStarted'), ...electedIn(1), body('ReplicationProgressed'));
    const woken = [stream.serverMetrics, stream.dataMetrics, stream.replicationMetrics].map((view) => recorded<unknown>(view, () => 'value').notes);
    stream.turn(commit(1), body('LeaseChanged', { valid: true }), body('ReplicationProgressed'), body('PeerRecovered'), body('HardStatePersisted'));
    expect(woken).toEqual([['value'], ['value'], ['value']]);
  });

  test('the views are frozen and hold their own fields alone', () => {
    const stream = new Turns('a', 'run-1');
    stream.dataMetrics.subscribe((metrics) => {
      expect(Object.keys(metrics)).toEqual(['lastLog', 'persisted', 'committed', 'applied', 'snapshot', 'compacted', 'pendingProposals']);
      expect(unfrozenPaths(metrics)).toEqual([]);
    });
    expect.assertions(2);
  });
});
