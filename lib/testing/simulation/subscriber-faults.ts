import type { Subscription } from 'rxjs';
import type { RaftEvent } from '../../core/events.js';
import type { FaultContext } from './fault-context.js';
import type { ServerRun, SimulatedServer } from './server.js';

/** More calls of one subscriber would answer its own calls for ever. */
const MAX_CALLS = 5;

/** Some events block the thread for a while: whatever else the process has to do is late. */
export function slowSubscriber(context: FaultContext): boolean {
  const { dice, until } = context;
  return listen(context, 'slow', (server) => () => {
    if (!dice.chance(0.1)) return;
    server.pause();
    until([1, 300], () => server.resume());
  });
}

/** Proposes from within an event, which the node must not answer before the turn is over. */
export function callingSubscriber(context: FaultContext): boolean {
  const { dice, callers } = context;
  return listen(context, 'calling', (server, run) => {
    let calls = 0;
    return () => {
      if (calls >= MAX_CALLS || server.callable !== run || !dice.chance(0.3)) return;
      calls += 1;
      callers.propose({ server, run, timeoutMs: dice.pick([20, 500]), dice });
    };
  });
}

/** Leaves at an event and comes back at once, before those that stayed or behind them. */
export function fickleSubscriber(context: FaultContext): boolean {
  return listen(context, 'fickle', (_server, run) => {
    let own: Subscription | null = null;
    const come = (): void => {
      own = run.node.events.subscribe({
        next: () => {
          own?.unsubscribe();
          if (run.process.isAlive && !context.isOver()) come();
        },
        error: () => undefined, // the node's fault, which is looked at elsewhere
      });
    };
    come();
    return () => undefined;
  });
}

/** Every event throws an exception at the node, in its reporter. What handlers of `events` throw, RxJS keeps from it. */
export function throwingReporter({ cluster, dice, until }: FaultContext): boolean {
  const up = cluster.servers.filter(({ callable }) => callable !== null);
  if (up.length === 0) return false;
  const server = dice.pick(up);
  server.isReporterThrowing = true;
  cluster.note(`the reporter of ${server.id} throws`);
  until([50, 1000], () => {
    server.isReporterThrowing = false;
  });
  return true;
}

function listen({ cluster, dice, until, isOver }: FaultContext, name: string, handlerFor: (server: SimulatedServer, run: ServerRun) => (event: RaftEvent) => void): boolean {
  const up = cluster.servers.filter(({ callable }) => callable !== null);
  if (up.length === 0) return false;
  const server = dice.pick(up);
  const run = server.callable;
  if (run === null) return false;
  cluster.note(`a ${name} subscriber listens to ${run.runId}`);
  const handle = handlerFor(server, run);
  const subscription = run.node.events.subscribe({
    next: (event) => {
      if (run.process.isAlive && !isOver()) handle(event);
    },
    error: () => undefined, // likewise
  });
  until([50, 1000], () => subscription.unsubscribe());
  return true;
}
