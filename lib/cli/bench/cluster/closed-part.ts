import type { Curve, Report, Row } from '../report.js';
import { contest, detailRows, outcomeText, type Outcome } from './contest.js';
import type { Setting } from './setting.js';
import { WARM_CLIENTS, type Store } from './store.js';

/** Etcd's puts per second times so much are what a cluster is to reach, by the number of clients. */
const ETCD_TIMES: ReadonlyMap<number, number> = new Map([[1, 1], [64, 2], [256, 3]]);

const BARE =
  'node:http alone is one process that answers every put at once and keeps nothing: what the HTTP server of Node.js costs before there is a store. With one synced file it answers what one fdatasync at a time has made durable, all that wait together: a log without replication.';

export interface ClosedStores {
  /** Over HTTP: what the peers are compared with. */
  readonly served: Store;
  readonly library: readonly Store[];
  /** What the HTTP server costs without a store behind it. */
  readonly bare: readonly Store[];
  readonly peers: readonly Store[];
}

export interface ClosedPart extends Report {
  /** The most puts a second that each store took, by name; of those that stood it all. */
  readonly most: ReadonlyMap<string, number>;
}

/** Closed loops: so many clients, each waiting for its answer. */
export async function closedPart({ served, library, bare, peers }: ClosedStores, { runs, seconds, clients, progress }: Setting): Promise<ClosedPart> {
  let stores = [served, ...library, ...bare, ...peers];
  const rows: Row[] = [];
  const notes: string[] = [];
  const results = new Map(stores.map(({ name }) => [name, [] as (readonly [clients: number, outcome: Outcome])[]]));
  await contest(stores.map((store) => ({ name: store.name, run: () => store.closed(WARM_CLIENTS, seconds) })), 1); // who fails here fails below
  for (const count of clients) {
    const outcomes = await contest(stores.map((store) => ({ name: store.name, run: () => store.closed(count, seconds) })), runs);
    const own = outcomes[0];
    for (const [i, store] of stores.entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined || outcome instanceof Error) {
        if (!peers.includes(store)) throw outcome ?? new Error(`${store.name} was not measured`);
        notes.push(`${outcome?.message ?? store.name} (${clientsText(count)}); it takes no further part.`);
        stores = stores.filter((other) => other !== store);
        continue;
      }
      results.get(store.name)?.push([count, outcome]);
      progress(`${store.name}, ${clientsText(count)}: ${outcomeText(outcome)}`);
      rows.push({ what: `3 processes, ${store.name}, ${clientsText(count)}`, value: outcome.perSecond, unit: 'puts/s' }, ...detailRows(outcome));
      if (bare.includes(store) && own !== undefined && !(own instanceof Error)) {
        rows.push({ what: `  rxraft over HTTP / ${store.name}, ${clientsText(count)}`, value: own.perSecond / outcome.perSecond, unit: '×' });
      }
      if (store.name === 'etcd' && own !== undefined && !(own instanceof Error)) rows.push(...againstEtcd(own, outcome, count));
      if (outcome.refused > 0) notes.push(`${store.name} refused ${outcome.refused} puts of ${clientsText(count)}; they count for nothing.`);
    }
  }
  if (bare.length > 0) notes.push(BARE);
  return {
    rows,
    notes,
    curves: [
      curve('cluster-throughput', 'Three processes: durable puts of 256 B', 'puts/s', results, (outcome) => outcome.perSecond),
      curve('cluster-p99', 'Three processes: p99 of durable puts', 'ms', results, (outcome) => outcome.p99Ms),
    ],
    most: new Map(stores.map(({ name }) => [name, Math.max(...(results.get(name) ?? []).map(([, outcome]) => outcome.perSecond))])),
  };
}

type Results = ReadonlyMap<string, readonly (readonly [clients: number, outcome: Outcome])[]>;

function curve(id: string, title: string, yLabel: string, results: Results, figure: (outcome: Outcome) => number): Curve {
  const series = [...results].map(([name, outcomes]) => ({ name, points: outcomes.map(([count, outcome]) => [count, figure(outcome)] as const) }));
  return { id, title, xLabel: 'clients', yLabel, xScale: 'log', yScale: 'log', series };
}

function againstEtcd(own: Outcome, etcd: Outcome, clients: number): Row[] {
  const budget = ETCD_TIMES.get(clients);
  const cpuRatio = own.cpuMicros === null || etcd.cpuMicros === null ? [] : [{ what: '  CPU for a put, rxraft / etcd', value: own.cpuMicros / etcd.cpuMicros, unit: '×' }];
  return [
    { what: `  rxraft over HTTP / etcd, ${clientsText(clients)}`, value: own.perSecond / etcd.perSecond, unit: '×', ...(budget === undefined ? {} : { budget }) },
    { what: '  p99 of rxraft / of etcd', value: own.p99Ms / etcd.p99Ms, unit: '×', budget: 1, isCeiling: true },
    ...cpuRatio,
  ];
}

function clientsText(count: number): string {
  return count === 1 ? '1 client' : `${count} clients`;
}
