import type { Observable } from 'rxjs';
import type { RaftEvent, RaftEventBody } from '../../lib/core/events.js';
import { MetricsStream } from '../../lib/node/metrics/stream.js';
import type { ObservedNode } from '../../lib/node/operators/observed-node.js';
import { EventPublisher } from '../../lib/node/reporting/publisher.js';
import { body } from './events.js';

/** The reporting half of a node, without Raft: `turn` plays what the turn loop does once the effects are handed over. */
export class FakeNode implements ObservedNode {
  readonly publisher = new EventPublisher({ nodeId: 'a', runId: 'run-1', onUnhandledError: () => undefined });
  readonly stream = new MetricsStream('a', 'run-1');
  readonly events: Observable<RaftEvent> = this.publisher.events;
  readonly metrics = this.stream.metrics;

  turn(...bodies: readonly RaftEventBody[]): void {
    const at = 10 * this.publisher.nextSeq;
    this.stream.apply(bodies, at, this.publisher.nextSeq);
    this.stream.emitTurn();
    this.publisher.publish(bodies, at, 0);
  }

  stop(): void {
    this.turn(body('NodeStopped'));
    this.stream.complete();
    this.publisher.complete();
  }

  fail(fault: Error): void {
    this.turn(body('FatalErrorRaised', { error: fault.message }), body('NodeStopped', { reason: 'fatalError' }));
    this.stream.error(fault);
    this.publisher.error(fault);
  }
}
