import { BehaviorSubject } from 'rxjs';
import { Readiness } from '../../../lib/server/http/readiness.js';
import type { KvNode } from '../../../lib/server/kv-node.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';

function running(changes: Partial<RaftMetrics>): RaftMetrics {
  return { ...initialMetrics('a', 'run-1'), runningState: 'running', ...changes };
}

const lastLog = { index: 9, term: 2 };

it('is ready once what it started with is applied, and follows the metrics no longer than that', () => {
  const metrics = new BehaviorSubject(running({ lastLog }));
  const readiness = new Readiness({ metrics } as unknown as KvNode);
  expect(readiness.obstacle).toBe('no leader is known');
  metrics.next(running({ leaderId: 'b', lastLog, committed: { index: 7, term: 2 }, applied: { index: 7, term: 2 } }));
  expect(readiness.obstacle).toBe('the node is catching up with the log');
  expect(metrics.observed).toBe(true);
  const caughtUp = running({ leaderId: 'b', lastLog, committed: lastLog, applied: lastLog });
  metrics.next(caughtUp);
  expect(readiness.obstacle).toBeNull();
  expect(metrics.observed).toBe(false);
  metrics.next({ ...caughtUp, leaderId: null });
  expect(readiness.obstacle).toBe('no leader is known');
  readiness.close();
});
