import { simulate, SimulationError, type SimulationOptions } from '../../lib/testing/simulate.js';
import type { SimulatedCluster } from '../../lib/testing/simulated-cluster.js';
import { addCounts, emptyCounts } from '../../lib/testing/simulation/report.js';
import type { PeerMessage } from '../../lib/ports/transport.js';
import { FAULT_NAMES } from '../../lib/testing/simulation/fault-names.js';
import { OPERATION_NAMES } from '../../lib/testing/simulation/operation-names.js';

const FIXED_SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);
/** New ones every time, printed: a failure is replayed with the seed in its message. */
const FRESH_SEEDS = Array.from({ length: 30 }, () => Math.floor(Math.random() * 1_000_000_000));

jest.setTimeout(60_000);

describe('a simulated cluster of five', () => {
  const counts = emptyCounts();

  test.each([
    ['fixed', FIXED_SEEDS],
    ['fresh', FRESH_SEEDS],
  ])('keeps every invariant after every turn and converges once faults end, with %s seeds', async (kind, seeds) => {
    if (kind === 'fresh') console.log(`fresh seeds: ${seeds.join(' ')}`);
    for (const seed of seeds) {
      const result = await simulate({ seed });
      expect(result.turns).toBeGreaterThanOrEqual(10_000);
      addCounts(counts, result.counts);
    }
  }, 120_000);

  test('meets every kind of fault, and what seldom happens too', () => {
    expect(Object.keys(counts.faults).sort()).toEqual([...FAULT_NAMES].sort());
    const seldom = ['LogTruncated', 'ElectionLost', 'ElectionTimeoutExtended', 'EventLoopStalled', 'StorageStalled', 'FatalErrorRaised', 'MembershipCommitted'];
    const snapshots = ['SnapshotStarted', 'SnapshotSaved', 'SnapshotFailed', 'SnapshotSent', 'SnapshotReceived', 'SnapshotInstalled', 'LogCompacted'];
    expect(Object.keys(counts.events)).toEqual(expect.arrayContaining([...seldom, ...snapshots, 'LeadershipTransferStarted', 'LeadershipTransferEnded']));
    expect(Object.keys(counts.operations).sort()).toEqual([...OPERATION_NAMES].sort());
    expect(counts.calls).toMatchObject({ 'takeSnapshot done': expect.any(Number) as unknown, 'transferLeadership done': expect.any(Number) as unknown });
    expect(Object.keys(counts.inputs)).toEqual(expect.arrayContaining(['entriesRead', 'connection', 'propose', 'read', 'persisted', 'applied', 'message']));
  });
});

describe('a simulation', () => {
  test('is the same in every detail when it is run again', async () => {
    for (const seed of [11, 12, 13]) {
      const [once, again] = [await simulate({ seed, turns: 500 }), await simulate({ seed, turns: 500 })];
      expect(again).toEqual(once);
    }
  });

  test('is another one with another seed', async () => {
    const digests = await Promise.all([1, 2, 3].map(async (seed) => (await simulate({ seed, turns: 50 })).digest));
    expect(new Set(digests).size).toBe(3);
  });

  test.each([1, 2, 3, 4, 7])('works with %i nodes', async (nodes) => {
    for (const seed of [1, 2, 3]) expect((await simulate({ seed, nodes, turns: 300 })).committed).toBeGreaterThan(1);
  });

  test('without faults loses no call', async () => {
    const { counts } = await simulate({ seed: 1, turns: 300, plan: { faults: [], operations: [], link: { lossRate: 0, duplicateRate: 0, delayMs: [1, 3] }, maxBurst: 3 } });
    expect(Object.keys(counts.faults)).toEqual([]);
    expect(counts.calls['propose acknowledged']).toBeGreaterThan(50);
    expect(Object.keys(counts.calls).filter((name) => name.includes('lost'))).toEqual([]);
  });
});

test('stopping answers whoever waits for a snapshot that takes long', async () => {
  const snapshot = { paddingBytes: [2000, 4000], chunkBytes: 100, chunkDelayMs: [1, 20] } as const;
  for (const seed of [1, 2, 4]) {
    const plan = { faults: ['stop'], faultGapMs: [100, 800], operations: ['snapshot'], operationGapMs: [5, 60], snapshot } as const;
    await expect(simulate({ seed, turns: 500, plan })).resolves.toMatchObject({ seed });
  }
});

describe('the invariants fail', () => {
  test('when a disk acknowledges what it has not synced', async () => {
    const failure = await failureOf({
      tamper: ({ servers }) => {
        for (const { disk } of servers) {
          const submit = disk.submit.bind(disk);
          disk.submit = (operation) => {
            if (operation.type === 'append' && operation.write.id === 0) return submit(operation); // the first of all: a start is not cut short
            void submit(operation).catch(() => undefined);
            return Promise.resolve();
          };
        }
      },
      plan: { syncLatencyMs: [5, 20] },
    });
    expect(failure.message).toMatch(/durable before it is acknowledged \(figure 2\): n\d /);
  });

  test('when a crash takes term and vote back', async () => {
    const failure = await failureOf({
      plan: { faults: ['crash'] },
      tamper: ({ servers }) => {
        for (const { disk } of servers) {
          const crash = disk.crash.bind(disk);
          disk.crash = (options) => {
            crash(options);
            disk.image.hardState = { term: 1, votedFor: null };
          };
        }
      },
    });
    expect(failure.message).toContain('term and vote on disk are never taken back (§5.2)');
  });

  test('when a crash takes acknowledged entries back', async () => {
    const failure = await failureOf({
      plan: { faults: ['power cut', 'crash'] },
      tamper: ({ servers }) => {
        for (const { disk } of servers) {
          const crash = disk.crash.bind(disk);
          disk.crash = (options) => {
            crash(options);
            disk.image.entries.truncateAfter(disk.image.entries.first);
          };
        }
      },
    });
    expect(failure.message).toMatch(/committed entries survive|Leader Completeness|State Machine Safety|correct servers send only what is lawful/);
  });

  test('when votes are forged on the wire', async () => {
    const failure = await failureOf({ tamper: forging((message) => (message.type === 'voteReply' || message.type === 'preVoteReply' ? { ...message, granted: true } : message)) });
    expect(failure.message).toMatch(/leaders are elected by a majority \(§5\.2, §6\)|Election Safety \(§5\.2\)|Leader Completeness \(§5\.4\)|leases exclude|both lead term/);
  });

  test('when acknowledgements are forged on the wire', async () => {
    const failure = await failureOf({
      tamper: forging((message) => (message.type === 'appendRejected' ? { type: 'appendReply', term: message.term, round: message.round, matched: message.rejected, willing: true } : message)),
    });
    expect(failure.message).toMatch(/commits are of the own term and durable on a majority|correct servers send only what is lawful|State Machine Safety/);
  });

  test('when a read is answered from the past', async () => {
    const failure = await failureOf({
      tamper: ({ history }) => {
        const check = history.readsSeeAllEarlierWrites.bind(history);
        history.readsSeeAllEarlierWrites = (call, answer) => check(call, answer, 'linearizable');
      },
    });
    expect(failure.message).toContain('reads see all earlier writes (thesis §6.4)');
  });

  test('when a snapshot holds another state than it says', async () => {
    const failure = await failureOf({
      tamper: ({ servers }) => {
        for (const { disk } of servers) {
          const submit = disk.submit.bind(disk);
          let first: Uint8Array | null = null;
          disk.submit = (operation) => {
            if (operation.type !== 'saveSnapshot') return submit(operation);
            first ??= operation.snapshot.bytes;
            const { meta } = operation.snapshot;
            return submit({ ...operation, snapshot: { meta: { ...meta, bytes: first.length }, bytes: first } });
          };
        }
      },
    });
    expect(failure.message).toMatch(/a snapshot is the state that its prefix of the log gives \(§7\): n\d is restored/);
  });

  test('when a node fails for no reason', async () => {
    const failure = await failureOf({
      plan: { faults: [] },
      tamper: ({ clock, servers }) => void clock.schedule(500, () => servers[0]?.disk.failNextSync()),
    });
    expect(failure.message).toMatch(/n1 failed without an injected fault: append/);
  });

  test('and say which seed, which turn, how to replay it and what led there', async () => {
    const failure = await failureOf({
      tamper: (cluster) => {
        const observe = cluster.observeTurn.bind(cluster);
        cluster.observeTurn = (id, runId, turn) => {
          observe(id, runId, turn);
          const isAppend = turn.inputs.some((input) => input.type === 'message' && input.message.type === 'append');
          if (isAppend && cluster.transcript.turns > 100) cluster.fail(new Error('on purpose'));
        };
      },
    });
    const lines = failure.message.split('\n');
    expect(lines[0]).toMatch(/^seed 1, turn \d+, at [\d.]+ ms: on purpose$/);
    expect(lines[1]).toBe('replay: await simulate({ seed: 1, nodes: 5, turns: 2000 });');
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.some((line) => /#\d+ n\d-\d {2}← n\d: append\(t\d+ r\d+, after \d+\/\d+/.test(line))).toBe(true);
  });
});

/** The first of a few seeds that fails. */
async function failureOf(options: Omit<SimulationOptions, 'seed'>): Promise<SimulationError> {
  for (let seed = 1; seed <= 10; seed += 1) {
    try {
      await simulate({ seed, ...options });
    } catch (error) {
      if (error instanceof SimulationError) return error;
      throw error;
    }
  }
  throw new Error('every run held');
}

/** Every message is replaced by what `forge` makes of it, on its way. */
function forging(forge: (message: PeerMessage) => PeerMessage): (cluster: SimulatedCluster) => void {
  return ({ network }) => {
    const make = network.transport.bind(network);
    network.transport = () => {
      const transport = make();
      const send = transport.send.bind(transport);
      transport.send = (to, message) => send(to, forge(message));
      return transport;
    };
  };
}
