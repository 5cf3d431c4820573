import { filter, map, scan, Subscription, tap, type MonoTypeOperatorFunction } from 'rxjs';
import type { RaftEvent, RaftEventBody } from '../../core/events.js';
import { EventPublisher } from '../../node/reporting/publisher.js';
import { closedLoop } from './closed-loop.js';
import { cpuMicros } from './cpu-time.js';
import { openBenchCluster } from './memory-cluster.js';
import { median } from './report.js';

/** What applications do with events, in turn: watch, choose, transform, accumulate. Each passes every event on. */
const LINKS: readonly (() => MonoTypeOperatorFunction<RaftEvent>)[] = [
  () => tap(() => undefined),
  () => filter((event) => event.seq > 0),
  () => map((event) => event),
  () => scan((newest, event) => (event.seq > newest.seq ? event : newest)),
];

/** A chain of `depth` operators. */
export function pipeOf(depth: number): MonoTypeOperatorFunction<RaftEvent> {
  const links = Array.from({ length: depth }, (_, i) => LINKS[i % LINKS.length]?.());
  return (source) => links.reduce((stream, link) => (link === undefined ? stream : stream.pipe(link)), source);
}

export interface DepthJob {
  readonly depths: readonly number[];
  /** How many events each depth is given. */
  readonly events: number;
}

/** Nanoseconds of CPU time to publish an event to one subscriber, for each depth of its pipe. */
export async function depthCosts({ depths, events }: DepthJob): Promise<number[]> {
  const bodies = await recordedBodies();
  const portion = Math.ceil(events / ROUNDS / bodies.length) * bodies.length;
  const pipes = depths.map((depth) => ({ publisher: publisherInto(depth), costs: [] as number[] }));
  for (const { publisher } of pipes) publishAll(publisher, bodies, portion);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { publisher, costs } of pipes) {
      globalThis.gc?.();
      const before = cpuMicros();
      publishAll(publisher, bodies, portion);
      costs.push(((cpuMicros() - before) * 1000) / portion);
    }
  }
  return pipes.map(({ costs }) => median(costs));
}

const ROUNDS = 8;

/** What a leader's turns under load really report. */
async function recordedBodies(): Promise<readonly RaftEventBody[]> {
  const recorded: RaftEventBody[] = [];
  const subscriptions = new Subscription();
  const { leader, stop } = await openBenchCluster({ nodes: 3 });
  subscriptions.add(leader.events.subscribe(({ seq: _seq, runId: _runId, nodeId: _nodeId, at: _at, wallTime: _wallTime, ...body }) => recorded.push(body)));
  await closedLoop(64, 20_000, () => leader.propose(new Uint8Array(0)));
  subscriptions.unsubscribe();
  await stop();
  return recorded;
}

function publisherInto(depth: number): EventPublisher {
  const publisher = new EventPublisher({ nodeId: 'a', runId: 'bench', onUnhandledError: rethrow });
  publisher.events.pipe(pipeOf(depth)).subscribe();
  return publisher;
}

function publishAll(publisher: EventPublisher, bodies: readonly RaftEventBody[], count: number): void {
  for (let done = 0; done < count; done += bodies.length) publisher.publish(bodies, done, done);
}

function rethrow(error: unknown): never {
  throw error;
}
