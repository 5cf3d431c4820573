import type { PeerMessage } from '../../lib/ports/transport.js';
import { MembershipChangeError } from '../../lib/ports/errors.js';
import { simulate, SimulationError, type SimulationOptions } from '../../lib/testing/simulate.js';
import type { SimulatedCluster } from '../../lib/testing/simulated-cluster.js';
import { MEMBERSHIP_OPERATION_NAMES } from '../../lib/testing/simulation/operation-names.js';
import type { SimulationPlan } from '../../lib/testing/simulation/plan.js';
import { addCounts, emptyCounts } from '../../lib/testing/simulation/report.js';
import type { SimulatedNode, SimulatedServer } from '../../lib/testing/simulation/server.js';

const CHURN: Partial<SimulationPlan> = { operations: [...MEMBERSHIP_OPERATION_NAMES, 'retirement', 'transfer'], operationGapMs: [5, 150], spareServers: 3 };

jest.setTimeout(60_000);

describe('membership churn', () => {
  test('changes the cluster in every way, under faults, and every change keeps every invariant', async () => {
    const counts = emptyCounts();
    let idsInUse = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      let cluster: SimulatedCluster | undefined;
      addCounts(counts, (await simulate({ seed, turns: 1000, plan: CHURN, tamper: (tampered) => (cluster = tampered) })).counts);
      while (cluster?.hasEverBeen(`n${idsInUse + 1}`) === true) idsInUse += 1;
    }
    expect(Object.keys(counts.operations)).toEqual(expect.arrayContaining([...MEMBERSHIP_OPERATION_NAMES, 'retirement']));
    expect(Object.keys(counts.events)).toEqual(expect.arrayContaining(['MembershipCommitted', 'MembershipReverted', 'MembershipRejected', 'LearnerPromoted']));
    expect(counts.calls['changeMembership done']).toBeGreaterThan(50);
    expect(counts.calls['changeMembership: MembershipChangeError']).toBeGreaterThan(50);
    expect(idsInUse).toBeGreaterThan(8); // some were wiped and came back under new ids
  });

  test('is the same in every detail when it is run again', async () => {
    const [once, again] = [await simulate({ seed: 5, turns: 500, plan: CHURN }), await simulate({ seed: 5, turns: 500, plan: CHURN })];
    expect(again).toEqual(once);
  });

  test.each([1, 2, 3, 4])('works with %i nodes to begin with', async (nodes) => {
    for (const seed of [1, 2, 3]) expect((await simulate({ seed, nodes, turns: 500, plan: CHURN })).committed).toBeGreaterThan(1);
  });
});

describe('the invariants of membership fail', () => {
  test('when newcomers acknowledge what they have not', async () => {
    const failure = await failureOf({
      tamper: (cluster) => {
        // A heartbeat would tell them of commits past the end of their logs, which gives the lie away too.
        cluster.network.intercept((_from, to, message) => (message.type === 'heartbeat' && message.commit > 0 && !isFounder(to) ? 'drop' : 'deliver'));
        forging((message, from) => {
          if (message.type !== 'appendRejected' || message.rejected === 0 || isFounder(from)) return message;
          return { type: 'appendReply', term: message.term, round: message.round, matched: message.rejected, willing: true };
        })(cluster);
      },
    });
    expect(failure.message).toMatch(/durable on a majority \(§5\.3, §5\.4\.2\): entry \d+ of term \d+ is on the disks of .* alone, in \{/);
  });

  test('when a change is answered as done that is not', async () => {
    const failure = await failureOf({
      tamper: changing((ask, node) => ask.catch(() => ({ index: node.metrics.value.membership.effectiveIndex, configuration: node.metrics.value.membership.effective }))),
    });
    expect(failure.message).toContain('a change that is done is in the committed configurations: ');
  });

  test('when a change takes effect that was refused', async () => {
    const failure = await failureOf({
      tamper: changing(async (ask) => {
        const { configuration } = await ask;
        throw new MembershipChangeError('for no reason', configuration);
      }),
    });
    expect(failure.message).toMatch(/refused changes never take effect: n\d+#\d+ is in the configuration at \d+; the caller was told: .*for no reason/);
  });

  test('when a server is wiped that is a member', async () => {
    const failure = await failureOf({ tamper: ({ clock, servers }) => void clock.schedule(2000, () => servers[0]?.retire()), plan: { ...CHURN, operations: ['add'] } });
    expect(failure.message).toContain('only who is removed for good is wiped: n1 is wiped and may still count');
  });

  test('when a removed server disturbs those that stay', async () => {
    const failure = await failureOf({
      plan: { ...CHURN, operations: MEMBERSHIP_OPERATION_NAMES, faults: [] },
      tamper: (cluster) => {
        // Asks for votes at once, as if a leader had told it to.
        forging((message, from) => {
          if (message.type !== 'preVoteRequest' || cluster.members.some(({ id }) => id === from)) return message;
          return { type: 'voteRequest', term: message.term + 1000, lastLog: message.lastLog, transfer: true };
        })(cluster);
      },
    });
    expect(failure.message).toMatch(/liveness: without faults/);
  });
});

/** The first of a few seeds that fails. */
async function failureOf(options: Omit<SimulationOptions, 'seed'>): Promise<SimulationError> {
  for (let seed = 1; seed <= 12; seed += 1) {
    try {
      await simulate({ seed, turns: 1000, plan: CHURN, ...options });
    } catch (error) {
      if (error instanceof SimulationError) return error;
      throw error;
    }
  }
  throw new Error('every run held');
}

function isFounder(id: string): boolean {
  return /^n[1-5]$/.test(id);
}

/** Every message is replaced by what `forge` makes of it, on its way. */
function forging(forge: (message: PeerMessage, from: string) => PeerMessage): (cluster: SimulatedCluster) => void {
  return ({ network }) => {
    const make = network.transport.bind(network);
    network.transport = () => {
      const transport = make();
      const send = transport.send.bind(transport);
      transport.send = (to, message) => send(to, forge(message, transport.identity?.nodeId ?? ''));
      return transport;
    };
  };
}

type Change = ReturnType<SimulatedNode['changeMembership']>;

/** What every node answers to a change is replaced by what `answer` makes of it. */
function changing(answer: (ask: Change, node: SimulatedNode) => Change): (cluster: SimulatedCluster) => void {
  const tamperWith = (server: SimulatedServer): void => {
    const boot = server.boot.bind(server);
    server.boot = () => {
      boot();
      const node = server.run?.node;
      if (node === undefined) return;
      const ask = node.changeMembership.bind(node);
      node.changeMembership = (...args) => answer(ask(...args), node);
    };
  };
  return (cluster) => {
    cluster.servers.forEach(tamperWith);
    const add = cluster.addServer.bind(cluster);
    cluster.addServer = (founders) => {
      const server = add(founders);
      tamperWith(server);
      return server;
    };
  };
}
