import { configurationOf } from '../../../lib/core/configuration.js';
import type { Input } from '../../../lib/core/inputs.js';
import type { InstallSnapshot, InstallSnapshotReply, SnapshotMeta } from '../../../lib/core/messages.js';
import type { LogId, NodeId } from '../../../lib/core/ids.js';
import { crc32 } from '../../../lib/node/snapshots/crc32.js';
import { SnapshotReceiver } from '../../../lib/node/snapshots/receiver.js';
import { ListMachine } from '../../support/list-machine.js';

const MIB = 1 << 20;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A receiver between a leader that is a script and a disk that takes pieces when it is told to. */
class Bench {
  readonly core = { term: 3, heardRound: 7, restoring: null as LogId | null, commitIndex: 4 };
  readonly inputs: Input['type'][] = [];
  readonly progress: number[] = [];
  readonly faults: string[] = [];
  readonly replies: [to: NodeId, reply: InstallSnapshotReply][] = [];
  /** How each reception ended: its length, or its error. */
  readonly saved: (number | string)[] = [];
  isDiskStuck = false;
  private wake: () => void = () => undefined;

  readonly receiver = new SnapshotReceiver({
    core: this.core,
    storage: {
      saveSnapshot: (meta, chunks) => this.save(meta, chunks),
      readSnapshot: () => Promise.resolve(null),
      append: () => Promise.resolve(),
    },
    stateMachine: new ListMachine(),
    transport: { send: (to, message) => void (message.type === 'installSnapshotReply' && this.replies.push([to, message])), flush: () => undefined },
    clock: { now: () => 0, wallTime: () => 0, schedule: () => () => undefined, yield: (callback) => void setImmediate(callback) },
    enqueue: ({ type }) => this.inputs.push(type),
    report: (event) => void (event.type === 'SnapshotReceived' ? this.progress.push(event.receivedBytes) : this.faults.push(event.type)),
    whenIdle: () => Promise.resolve(),
    onRestored: () => undefined,
    onFault: (operation) => this.faults.push(operation),
  });

  /** Takes a chunk and gives the answer: how far, whether something is missing, and to which attempt. */
  chunk(offset: number, length: number, fields: Partial<InstallSnapshot> & { readonly from?: NodeId; readonly last?: number } = {}): [received: number, gap: boolean, attempt: number] | undefined {
    const { from = 'a', last = 9, ...rest } = fields;
    const data = new Uint8Array(length).fill(offset);
    const snapshot: SnapshotMeta = { last: { index: last, term: 2 }, configuration: configurationOf({ a: '' }), configurationIndex: 1, bytes: 100 };
    const before = this.replies.length;
    this.receiver.handleChunk({ from, chunk: { type: 'installSnapshot', term: 3, round: 7, snapshot, attempt: 1, offset, data, checksum: crc32(data), done: offset + length === 100, ...rest } });
    this.receiver.afterTurn();
    return this.replies.length > before ? this.lastReply : undefined;
  }

  get lastReply(): [received: number, gap: boolean, attempt: number] | undefined {
    const reply = this.replies.at(-1)?.[1];
    return reply === undefined ? undefined : [reply.received, reply.gap, reply.attempt];
  }

  releaseDisk(): Promise<void> {
    this.isDiskStuck = false;
    this.wake();
    return settled();
  }

  private async save(meta: Omit<SnapshotMeta, 'bytes'>, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotMeta> {
    let bytes = 0;
    try {
      for await (const chunk of chunks) {
        if (this.isDiskStuck) await new Promise<void>((resolve) => (this.wake = resolve));
        bytes += chunk.length;
      }
      this.saved.push(bytes);
      return { ...meta, bytes };
    } catch (error) {
      this.saved.push((error as Error).message);
      throw error;
    }
  }
}

describe('SnapshotReceiver', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));

  it('answers each chunk with how far it is, and repeats the attempt', () => {
    expect(bench.chunk(0, 10)).toEqual([10, false, 1]);
    expect(bench.chunk(10, 10, { attempt: 5 })).toEqual([20, false, 5]);
    expect(bench.replies.at(-1)).toMatchObject(['a', { term: 3, round: 7, last: { index: 9, term: 2 }, installed: false, matched: 0 }]);
    expect(bench.progress).toEqual([10, 20]);
  });

  it('says at once that something is missing: before the chunk, or in it', () => {
    bench.chunk(0, 10);
    expect(bench.chunk(20, 10)).toEqual([10, true, 1]);
    expect(bench.chunk(10, 10, { checksum: 1 })).toEqual([10, true, 1]);
    expect(bench.faults).toEqual(['CorruptionDetected']);
    expect(bench.chunk(30, 0)).toEqual([10, true, 1]); // a question that comes after what was lost
    expect(bench.progress).toEqual([10]);
  });

  it('what it has already is no gap, and of what it has in part the rest is taken', () => {
    bench.chunk(0, 20);
    expect(bench.chunk(0, 10)).toEqual([20, false, 1]);
    expect(bench.chunk(20, 0)).toEqual([20, false, 1]);
    expect(bench.chunk(15, 10)).toEqual([25, false, 1]);
    expect(bench.progress).toEqual([20, 25]);
  });

  it('tells the core of the end once, and answers questions while it waits', () => {
    bench.chunk(0, 60);
    expect(bench.chunk(60, 40)).toEqual([100, false, 1]);
    expect(bench.chunk(60, 40)).toEqual([100, false, 1]);
    expect(bench.chunk(100, 0)).toEqual([100, false, 1]);
    expect(bench.inputs).toEqual(['snapshotStaged']);
  });

  it('an end that comes before the middle is not the end', () => {
    bench.chunk(0, 10);
    expect(bench.chunk(50, 50)).toEqual([10, true, 1]);
    expect(bench.chunk(100, 0)).toEqual([10, true, 1]);
    expect(bench.inputs).toEqual([]);
  });

  it('another server’s bytes, or another snapshot’s, never follow on these', async () => {
    bench.chunk(0, 10);
    expect(bench.chunk(10, 10, { from: 'b' })).toEqual([0, true, 1]);
    expect(bench.chunk(0, 10, { from: 'b', last: 8 })).toEqual([10, false, 1]);
    await settled();
    expect(bench.saved).toEqual(['another snapshot took its place', 'another snapshot took its place']);
    expect(bench.inputs).toEqual([]);
  });

  it('while one is put in force the next one waits: its sender hears that this server lives, and nothing else', () => {
    bench.chunk(0, 100);
    expect(bench.chunk(0, 10, { from: 'b', last: 12, attempt: 4 })).toEqual([0, false, 4]);
    expect(bench.chunk(50, 10, { last: 12, attempt: 4 })).toEqual([0, false, 4]);
    expect(bench.saved).toEqual([]);
  });

  it('while the disk is behind it acknowledges nothing new and complains of nothing; once it has caught up it does both', async () => {
    bench.isDiskStuck = true;
    bench.chunk(0, 10);
    await settled(); // the disk is busy with that
    expect(bench.chunk(10, MIB)).toEqual([10 + MIB, false, 1]);
    expect(bench.chunk(10 + MIB, 10)).toEqual([10 + MIB, false, 1]);
    expect(bench.chunk(30 + MIB, 10)).toEqual([10 + MIB, false, 1]);
    await bench.releaseDisk();
    expect(bench.lastReply).toEqual([20 + MIB, true, 1]);
    const { length } = bench.replies;
    bench.chunk(20 + MIB, 10);
    await settled();
    expect(bench.replies).toHaveLength(length + 1); // said once
    expect(bench.lastReply).toEqual([30 + MIB, false, 1]);
  });

  it('what an earlier attempt missed is no concern of the present one', async () => {
    bench.isDiskStuck = true;
    bench.chunk(0, 10);
    await settled();
    bench.chunk(10, MIB + 1);
    bench.chunk(MIB + 90, 10);
    bench.chunk(11 + MIB, 10, { attempt: 2 });
    await bench.releaseDisk();
    expect(bench.lastReply).toEqual([21 + MIB, false, 2]);
  });

  it('a sender that leads anew, after a restart perhaps, counts its attempts anew, and is answered', async () => {
    bench.chunk(0, 10, { attempt: 5 });
    bench.isDiskStuck = true;
    bench.chunk(10, 10, { attempt: 5 });
    await settled();
    bench.chunk(20, MIB + 1, { term: 4, attempt: 1 });
    bench.chunk(21 + MIB, 10, { term: 4, attempt: 1 });
    await bench.releaseDisk();
    expect(bench.lastReply).toEqual([31 + MIB, false, 1]);
  });

  it('gives up what the log has caught up with, whole or not', async () => {
    bench.chunk(0, 10);
    bench.core.commitIndex = 9;
    bench.receiver.afterTurn();
    await settled();
    expect([bench.saved, bench.inputs, bench.faults]).toEqual([['the log has caught up'], ['snapshotAbandoned'], []]);
  });

  it('goes on to the end only once the core has made room for it', async () => {
    bench.chunk(0, 100);
    await settled();
    expect(bench.saved).toEqual([]);
    bench.core.restoring = { index: 9, term: 2 };
    bench.receiver.afterTurn();
    bench.receiver.afterTurn();
    await settled();
    expect(bench.saved).toEqual([100]);
  });
});
