import { GapTracker } from '../../../lib/cli/check/gap-tracker.js';

describe('GapTracker', () => {
  const track = (...ids: string[]): GapTracker => {
    const tracker = new GapTracker('a');
    for (const id of ids) tracker.accept(id, 'CommitAdvanced');
    return tracker;
  };

  it('finds nothing wrong with runs that count from 1, and does not judge where a run ends', () => {
    const tracker = track('r1:1', 'r1:2', 'r2:1', 'r2:2', 'r2:3');
    expect(tracker.problems).toEqual([]);
    expect(tracker.received).toBe(5);
    expect(tracker.runs).toMatchObject([{ runId: 'r1', received: 2, last: 2 }, { runId: 'r2', received: 3, last: 3 }]);
    expect(tracker.latest).toMatchObject({ nodeId: 'a', runId: 'r2', lastType: 'CommitAdvanced' });
  });

  it.each([
    ['a gap', ['r1:1', 'r1:3'], 'node a, run r1: event 3 came after 1'],
    ['a double', ['r1:1', 'r1:1'], 'node a, run r1: event 1 came after 1'],
    ['a step back', ['r1:1', 'r1:2', 'r1:1'], 'node a, run r1: event 1 came after 2'],
    ['a beginning that is missing', ['r1:2'], 'node a, run r1: event 2 came after 0'],
  ])('finds %s', (_, ids, problem) => {
    expect(track(...ids).problems).toEqual([problem]);
  });

  it('a reported loss is a gap too, and is not counted as received', () => {
    const tracker = track('r1:1');
    tracker.accept('r1:5', 'EventsMissed');
    tracker.accept('r1:6', 'CommitAdvanced');
    expect(tracker.problems).toEqual(['node a, run r1: events 2–5 were reported as missed']);
    expect(tracker.received).toBe(2);
  });

  it('a run id may hold colons', () => {
    expect(track('a:b:1', 'a:b:2').problems).toEqual([]);
  });
});
