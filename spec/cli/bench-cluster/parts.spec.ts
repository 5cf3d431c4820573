import { closedPart } from '../../../lib/cli/bench/cluster/closed-part.js';
import type { Load } from '../../../lib/cli/bench/cluster/load.js';
import { openPart } from '../../../lib/cli/bench/cluster/open-part.js';
import type { Setting } from '../../../lib/cli/bench/cluster/setting.js';
import type { OpenStore, Store } from '../../../lib/cli/bench/cluster/store.js';

const loadOf = (perSecond: number, ms: number): Load => ({ committed: perSecond * 2, refused: 0, seconds: 2, cpuMicros: ms * 10, latency: { count: perSecond * 2, p50Ms: ms, p99Ms: 2 * ms, p999Ms: 3 * ms, maxMs: 4 * ms } });

/** A store whose n-th run with a number of clients is n times as fast. */
const store = (name: string, perSecond: number, ms: number): Store & OpenStore => {
  const runs = new Map<number, number>();
  const closed = (callers: number): Promise<Load> => {
    const run = (runs.get(callers) ?? 0) + 1;
    runs.set(callers, run);
    return Promise.resolve(loadOf(perSecond * callers * run, ms));
  };
  return { name, closed, open: (rate) => Promise.resolve(loadOf(rate, ms)) };
};
const broken = (name: string): Store => ({ name, closed: (callers) => (callers > 1 ? Promise.reject(new Error('it is gone')) : Promise.resolve(loadOf(5, 5))) });

describe('the report on clusters', () => {
  const lines: string[] = [];
  const setting: Setting = { runs: 3, seconds: 1, clients: [1, 64], kills: 1, scripts: { rxraft: '', libraryNode: '', bareServer: '', antietcd: null }, progress: (line) => lines.push(line) };

  it('compares medians with those of etcd, against the budgets of the design', async () => {
    const { rows, curves, notes } = await closedPart({ served: store('rxraft over HTTP', 100, 1), library: [store('the library', 400, 0.5)], bare: [], peers: [store('etcd', 50, 4)] }, setting);
    const row = (what: string) => rows.find((each) => each.what.trim() === what);
    expect(row('3 processes, rxraft over HTTP, 1 client')).toEqual({ what: '3 processes, rxraft over HTTP, 1 client', value: 200, unit: 'puts/s' });
    expect(row('CPU for a put, rxraft / etcd')).toMatchObject({ value: 0.25, unit: '×' });
    expect(row('rxraft over HTTP / etcd, 1 client')).toMatchObject({ value: 2, unit: '×', budget: 1 });
    expect(row('rxraft over HTTP / etcd, 64 clients')).toMatchObject({ value: 2, budget: 2 });
    expect(row('p99 of rxraft / of etcd')).toMatchObject({ value: 0.25, budget: 1, isCeiling: true });
    expect(curves.map(({ id }) => id)).toEqual(['cluster-throughput', 'cluster-p99']);
    expect(curves[0]?.series.map(({ name, points }) => [name, points])).toEqual([
      ['rxraft over HTTP', [[1, 200], [64, 12_800]]],
      ['the library', [[1, 800], [64, 51_200]]],
      ['etcd', [[1, 100], [64, 6400]]],
    ]);
    expect(notes).toEqual([]);
    expect(lines).toContain('etcd, 1 client: 100 puts/s, p50 4.0 ms, p99 8.0 ms, p99.9 12.0 ms');
  });

  it('says how far rxraft is from what the HTTP server allows', async () => {
    const { rows, notes } = await closedPart({ served: store('rxraft over HTTP', 100, 1), library: [], bare: [store('node:http alone', 400, 1)], peers: [] }, setting);
    expect(rows.filter(({ unit }) => unit === '×')).toEqual([
      { what: '  rxraft over HTTP / node:http alone, 1 client', value: 0.25, unit: '×' },
      { what: '  rxraft over HTTP / node:http alone, 64 clients', value: 0.25, unit: '×' },
    ]);
    expect(notes.join()).toContain('what the HTTP server of Node.js costs before there is a store');
  });

  it('goes on without a peer that fails, and says so', async () => {
    const { rows, notes, most } = await closedPart({ served: store('rxraft over HTTP', 100, 1), library: [], bare: [], peers: [broken('antietcd')] }, setting);
    expect(notes).toEqual(['antietcd failed under load: it is gone (64 clients); it takes no further part.']);
    expect(rows.filter(({ what }) => what.includes('antietcd')).map(({ what }) => what)).toEqual(['3 processes, antietcd, 1 client']);
    expect([...most]).toEqual([['rxraft over HTTP', 12_800]]);
  });

  it('fails when rxraft itself does', async () => {
    await expect(closedPart({ served: broken('rxraft over HTTP'), library: [], bare: [], peers: [] }, setting)).rejects.toThrow('rxraft over HTTP failed under load: it is gone');
  });

  it('runs open loops at shares of what each store takes', async () => {
    const { rows, curves } = await openPart([store('rxraft over HTTP', 0, 1), store('etcd', 0, 2)], new Map([['rxraft over HTTP', 1000], ['etcd', 400]]), setting);
    expect(rows.filter(({ unit }) => unit === 'puts/s').map(({ value }) => value)).toEqual([250, 100, 500, 200, 750, 300]);
    expect(curves.map(({ id }) => id)).toEqual(['cluster-open-loop-rxraft', 'cluster-open-loop-etcd']);
    expect(curves[1]?.series).toEqual([
      { name: 'p50', points: [[100, 2], [200, 2], [300, 2]] },
      { name: 'p99', points: [[100, 4], [200, 4], [300, 4]] },
      { name: 'p99.9', points: [[100, 6], [200, 6], [300, 6]] },
    ]);
  });
});
