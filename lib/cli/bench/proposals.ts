import { EventPublisher } from '../../node/reporting/publisher.js';
import { inTurn, promiseLoop, type Rate } from './closed-loop.js';
import { openBenchCluster } from './memory-cluster.js';
import { strippedTurnLoop } from './stripped-turn-loop.js';

/** What listens to the nodes while they are measured: one subscriber each, nobody, or nobody in a program without reporting. */
export type Reporting = 'subscriber' | 'null' | 'out';

export interface ProposalsJob {
  readonly nodes: number;
  readonly concurrency: number;
  readonly total: number;
  /** The size of each command. */
  readonly bytes: number;
  readonly reporting: Reporting;
}

/** Proposals on the leader of a cluster in this process, each awaited until it is committed and applied. */
export async function clusterRate({ nodes, concurrency, total, bytes, reporting }: ProposalsJob): Promise<Rate> {
  if (reporting === 'out') compileReportingOut();
  const { leader, stop } = await openBenchCluster({ nodes, observe: (node) => reporting === 'subscriber' && node.events.subscribe() });
  const command = new Uint8Array(bytes);
  const { cluster } = await inTurn(concurrency, total, { cluster: () => leader.propose(command) });
  await stop();
  return cluster;
}

export type Ceilings = Readonly<Record<'cluster' | 'turnLoop' | 'promises', Rate>>;

/** A cluster of three in turn with the two ceilings, in one process. */
export async function ratesWithCeilings({ concurrency, total, bytes }: Pick<ProposalsJob, 'concurrency' | 'total' | 'bytes'>): Promise<Ceilings> {
  const { leader, stop } = await openBenchCluster({ nodes: 3 });
  const command = new Uint8Array(bytes);
  const stripped = strippedTurnLoop((payloads) => new Array<undefined>(payloads.length).fill(undefined));
  const rates = await inTurn(concurrency, total, {
    cluster: () => leader.propose(command),
    turnLoop: () => stripped(command),
    promises: promiseLoop(),
  });
  await stop();
  return rates;
}

/** As if the call that publishes a turn's events were not in the program. Only for a process that is thrown away. */
function compileReportingOut(): void {
  Object.defineProperty(EventPublisher.prototype, 'publish', { value: () => undefined });
}
