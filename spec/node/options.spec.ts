import { resolveOptions, type NodeOptions } from '../../lib/node/options.js';
import { createRaftNode } from '../../lib/open.js';
import { bytesCodec } from '../../lib/ports/codec.js';
import { ConfigError } from '../../lib/ports/errors.js';
import { MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { ListMachine } from '../support/list-machine.js';

type Options = NodeOptions<Uint8Array, number>;

const GOOD = {
  id: 'a',
  storage: new MemoryStorage(),
  transport: new MemoryNetwork().transport(),
  stateMachine: { apply: () => [], snapshot: () => new ListMachine().snapshot(), restore: () => Promise.resolve(), reset: () => undefined },
  commandCodec: bytesCodec,
  valueCodec: bytesCodec,
} as unknown as Options; // a codec of values that no test uses

const resolve = (overrides: Record<string, unknown>) => resolveOptions({ ...GOOD, ...overrides });

/** What the ConfigError says is wrong. */
function problems(overrides: Record<string, unknown>): readonly { readonly option: string; readonly value: unknown; readonly allowed: string }[] {
  try {
    resolve(overrides);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('resolveOptions', () => {
  test('fills in every default', () => {
    expect(resolve({})).toEqual({
      clusterId: 'rxraft',
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      core: expect.objectContaining({ id: 'a', seed: expect.any(Number), electionTimeoutMinMs: 500, electionTimeoutMaxMs: 1000, heartbeatIntervalMs: 100 }),
      limits: expect.objectContaining({ requestTimeoutMs: 10_000, maxPendingProposals: 100_000, drainTimeoutMs: 2_000, stallThresholdMs: 100 }),
      snapshotPolicy: { entries: 100_000, bytes: 64 << 20, keepEntries: 10_000 },
    });
  });

  test('a stall is a timer late by a heartbeat interval, unless told otherwise', () => {
    expect(resolve({ heartbeatIntervalMs: 40 }).limits.stallThresholdMs).toBe(40);
    expect(resolve({ heartbeatIntervalMs: 40, stallThresholdMs: 70 }).limits.stallThresholdMs).toBe(70);
  });

  test('a snapshot policy is completed, or switched off', () => {
    expect(resolve({ snapshotPolicy: { entries: 5 } }).snapshotPolicy).toEqual({ entries: 5, bytes: 64 << 20, keepEntries: 10_000 });
    expect(resolve({ snapshotPolicy: null }).snapshotPolicy).toBeNull();
  });

  test('without a seed or a run id each node gets its own', () => {
    const [one, other] = [resolve({}), resolve({})];
    expect(one.core.seed).not.toBe(other.core.seed);
    expect(one.runId).not.toBe(other.runId);
  });

  test('one error lists everything that is wrong, with the option\'s name, value and range', () => {
    const wrong = {
      id: '-nope',
      clusterId: '',
      heartbeatIntervalMs: 0,
      leaseDriftMargin: 1,
      maxInflightMessages: Infinity,
      requestTimeoutMs: 'soon',
      storage: null,
      peers: { 'b c': 'b:1', d: 7 },
    };
    expect(problems(wrong)).toEqual([
      { option: 'heartbeatIntervalMs', value: 0, allowed: 'a number from 1 to 2147483647' },
      { option: 'leaseDriftMargin', value: 1, allowed: 'a number from 0 to 0.9' },
      { option: 'maxInflightMessages', value: Infinity, allowed: 'a number from 1 to 1048576' },
      { option: 'requestTimeoutMs', value: 'soon', allowed: 'a number from 1 to 2147483647' },
      { option: 'id', value: '-nope', allowed: expect.stringContaining('starting with a letter or a digit') },
      { option: 'clusterId', value: '', allowed: expect.stringContaining('1–64') },
      { option: 'storage', value: null, allowed: 'an object that implements its port' },
      { option: 'peers', value: 'b c', allowed: expect.stringContaining('keys of 1–64') },
      { option: 'peers.d', value: 7, allowed: 'an address as text' },
      { option: 'peers', value: 'b c, d', allowed: 'must include this node, -nope' },
    ]);
    expect(() => resolve(wrong)).toThrow(/^invalid options:\n {2}heartbeatIntervalMs is 0; allowed: a number from 1 to 2147483647\n/);
  });

  test.each([
    ['electionTimeoutMaxMs', { electionTimeoutMinMs: 300, electionTimeoutMaxMs: 300 }],
    ['electionTimeoutMaxMs', { electionTimeoutMinMs: 2_000 }],
    ['heartbeatIntervalMs', { heartbeatIntervalMs: 251 }],
    ['heartbeatIntervalMs', { electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300 }],
    ['drainTimeoutMs', { drainTimeoutMs: -1 }],
    ['maxQueuedMessages', { maxQueuedMessages: 15 }],
    ['requestTimeoutMs', { requestTimeoutMs: NaN }],
    ['storageStallMs', { storageStallMs: null }],
    ['maxApplyBytes', { maxApplyBytes: '1' }],
    ['snapshotPolicy.entries', { snapshotPolicy: { entries: 0 } }],
    ['snapshotPolicy.bytes', { snapshotPolicy: { bytes: NaN } }],
    ['snapshotPolicy.keepEntries', { snapshotPolicy: { keepEntries: -1 } }],
    ['seed', { seed: 0.5 }],
    ['seed', { seed: 'x' }],
    ['runId', { runId: '' }],
    ['peers', { peers: null }],
    ['peers', { peers: 'a:1' }],
    ['peers', { peers: {} }],
    ['commandCodec', { commandCodec: undefined }],
    ['valueCodec', { valueCodec: 'json' }],
    ['stateMachine', { stateMachine: null }],
    ['transport', { transport: undefined }],
    ['id', { id: 'x'.repeat(65) }],
    ['id', { id: undefined }],
  ])('%s is refused in %j', (option, overrides) => {
    expect(problems(overrides).map((problem) => problem.option)).toEqual([option]);
  });

  test.each([
    { heartbeatIntervalMs: 250 },
    { drainTimeoutMs: 0, leaseDriftMargin: 0, logCacheBytes: 0 },
    { electionTimeoutMinMs: 200, electionTimeoutMaxMs: 300 },
    { peers: { a: '', b: 'b:1' } },
    { id: 'x'.repeat(64), peers: undefined },
    { seed: 0 },
  ])('the bounds are included: %j is accepted', (overrides) => {
    expect(problems(overrides)).toEqual([]);
  });

  test('a node is not even made of wrong options', () => {
    expect(() => createRaftNode({ ...GOOD, heartbeatIntervalMs: -1 })).toThrow(ConfigError);
  });
});
