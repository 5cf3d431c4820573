import { PACE_BYTES, paced } from '../../../lib/node/snapshots/paced.js';
import { ListMachine } from '../../support/list-machine.js';
import type { NodeRun } from '../../support/memory-cluster.js';
import { SnapshotFixture, WORDS } from '../../support/snapshot-fixture.js';

/** Counts what goes through between two turns of the event loop. */
class Meter {
  readonly most = new Map<string, number>();
  readonly totals = new Map<string, number>();
  private readonly current = new Map<string, number>();
  private handle: NodeJS.Immediate = setImmediate(() => this.turn());

  note(stream: string, bytes: number): void {
    const current = (this.current.get(stream) ?? 0) + bytes;
    this.current.set(stream, current);
    this.most.set(stream, Math.max(current, this.most.get(stream) ?? 0));
    this.totals.set(stream, (this.totals.get(stream) ?? 0) + bytes);
  }

  async *through(stream: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.note(stream, chunk.length);
      yield chunk;
    }
  }

  stop(): void {
    clearImmediate(this.handle);
  }

  private turn(): void {
    this.current.clear();
    this.handle = setImmediate(() => this.turn());
  }
}

/** Gives its state in one piece or in many, and never waits for anything. */
class EagerMachine extends ListMachine {
  constructor(
    private readonly meter: Meter,
    private readonly pieceBytes: number,
  ) {
    super();
  }

  override async *snapshot(): AsyncGenerator<Uint8Array> {
    const bytes = new TextEncoder().encode(this.words.join('\n'));
    for (let from = 0; from < bytes.length; from += this.pieceBytes) yield bytes.subarray(from, from + this.pieceBytes);
  }

  override restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return super.restore(this.meter.through('restored', chunks));
  }
}

describe('streams of bytes let go of the thread', () => {
  const pieces = async (chunks: readonly Uint8Array[]): Promise<{ bytes: Buffer; sizes: number[]; yields: number }> => {
    let yields = 0;
    const clock = { yield: (callback: () => void) => ((yields += 1), callback()) };
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks;
    };
    const all: Uint8Array[] = [];
    for await (const piece of paced(source(), clock)) all.push(piece);
    return { bytes: Buffer.concat(all), sizes: all.map(({ length }) => length), yields };
  };

  test('the bytes are the same; a piece that is too large is cut', async () => {
    const large = Uint8Array.from({ length: 2 * PACE_BYTES + 10 }, (_, i) => i % 251);
    const { bytes, sizes, yields } = await pieces([large]);
    expect(bytes.equals(large)).toBe(true);
    expect([sizes, yields]).toEqual([[PACE_BYTES, PACE_BYTES, 10], 2]);
  });

  test('small pieces stay as they are and go through together; the tiniest are counted by their number', async () => {
    expect(await pieces([new Uint8Array(PACE_BYTES / 2), new Uint8Array(PACE_BYTES / 2), new Uint8Array(1)])).toMatchObject({ yields: 1 });
    const { sizes, yields } = await pieces(Array.from({ length: 1_000 }, () => new Uint8Array(1)));
    expect([sizes.length, yields]).toEqual([1_000, 3]); // 256 of them at a time
    expect(await pieces([])).toMatchObject({ sizes: [], yields: 0 });
    expect(await pieces([new Uint8Array(0)])).toMatchObject({ sizes: [], yields: 0 });
  });

  test('an error of the source comes through', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw new RangeError('no more');
    };
    const all = async (): Promise<void> => {
      for await (const _piece of paced(broken(), { yield: (callback) => callback() }));
    };
    await expect(all()).rejects.toThrow('no more');
  });
});

describe('S49 a big snapshot holds the event loop back at no stage', () => {
  const total = WORDS.join('\n').length;
  let meter: Meter;
  let fixture: SnapshotFixture;
  beforeEach(() => (meter = new Meter()));
  afterEach(async () => {
    meter.stop();
    await fixture.cluster.stop();
  });

  const meterSaving = ({ options: { storage } }: NodeRun, stream: string): void => {
    const save = storage.saveSnapshot.bind(storage);
    storage.saveSnapshot = (meta, bytes, options) => save(meta, meter.through(stream, bytes), options);
  };

  test.each([['in one piece', Infinity], ['in pieces', 10_000]])('taken, sent, received and restored: a slice of each in a turn of the loop (%s)', async (_name, pieceBytes) => {
    fixture = await SnapshotFixture.opened(() => ({ stateMachine: new EagerMachine(meter, pieceBytes) }));
    const { leader, cluster } = fixture;
    meterSaving(leader, 'taken');
    await leader.node.propose('one more');
    await fixture.compact();
    expect(meter.totals.get('taken')).toBe(total + '\none more'.length);

    fixture.watch({
      chunk: ({ data }) => {
        meter.note('sent', data.length);
        return 'deliver';
      },
    });
    const machine = new EagerMachine(meter, pieceBytes);
    const d = await cluster.join('d', { stateMachine: machine });
    meterSaving(d, 'received');
    const adding = leader.node.changeMembership({ add: { d: { address: 'd:1', autoPromote: false } } });
    await cluster.until(() => machine.words.length === 11, 'the snapshot');
    await adding;
    expect(machine.words).toEqual([...WORDS, 'one more']);
    for (const stream of ['taken', 'sent', 'received', 'restored']) {
      expect([stream, meter.totals.get(stream)]).toEqual([stream, total + '\none more'.length]);
      expect(meter.most.get(stream)).toBeLessThanOrEqual(2 * PACE_BYTES); // the slices of two turns may lie between two looks
    }
  });
});
