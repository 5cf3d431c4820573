import { deserialize, serialize } from 'node:v8';
import type { Input } from '../../lib/core/inputs.js';
import { RaftCore } from '../../lib/core/raft.js';
import type { Restored } from '../../lib/core/restore.js';
import { resolveOptions } from '../../lib/node/options.js';
import type { ObservedTurn } from '../../lib/node/turn-loop.js';
import { msgpackCodec } from '../../lib/codec/msgpack.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { defined } from '../support/defined.js';
import { MemoryCluster } from '../support/memory-cluster.js';
import { roughLife } from '../support/rough-life.js';

/** A turn as it would be written to a file. */
interface RecordedTurn {
  readonly now: number;
  readonly inputs: Buffer;
  readonly output: string;
  readonly status: string;
}

interface Recording {
  readonly startedAt: number;
  readonly turns: RecordedTurn[];
}

function record({ now, inputs, output, status }: ObservedTurn): RecordedTurn {
  return { now, inputs: serialize(inputs), output: written(output), status: written(status()) };
}

/** As text, in the order in which fields were made; bytes as hexadecimal digits. */
function written(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key: string, plain: unknown) {
    const original = this[key];
    return original instanceof Uint8Array ? Buffer.from(original).toString('hex') : plain;
  });
}

describe('replay', () => {
  test('a recorded run, fed to a fresh core with the same options and restored state, gives the same outputs byte for byte', async () => {
    const recordings = new Map<string, Recording>();
    const cluster = new MemoryCluster({
      settings: (id) => {
        const recording: Recording = { startedAt: cluster.clock.now(), turns: [] };
        const runs = [...recordings.keys()].filter((runId) => runId.startsWith(`${id}-`)).length;
        recordings.set(`${id}-${runs + 1}`, recording);
        return { turnObserver: (turn) => recording.turns.push(record(turn)) };
      },
    });
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    const { node } = await cluster.leader();
    for (let i = 0; i < 40; i += 1) {
      const answered = node.propose(`calm-${i}`);
      await cluster.settle();
      await answered;
    }
    await roughLife(cluster, { rounds: 12 });

    // The first run of each node began with an empty store: what it restored is its first configuration.
    let replayed = 0;
    for (const id of cluster.ids) {
      const { options } = defined(cluster.runs.find((run) => run.id === id), `a run of ${id}`);
      const { startedAt, turns } = defined(recordings.get(`${id}-1`), `the recording of ${id}`);
      const { core: coreOptions } = resolveOptions({ commandCodec: msgpackCodec<string>(), valueCodec: msgpackCodec<unknown>(), ...options });
      const core = new RaftCore(coreOptions, await restoredAtFirst(id), startedAt);
      turns.forEach((turn, i) => {
        const output = core.turn(turn.now, deserialize(turn.inputs) as Input[]);
        if (written(output) !== turn.output) throw new Error(`turn ${i} of ${id} differs:\n${written(output)}\nwas\n${turn.output}`);
        expect(written(core.status())).toBe(turn.status);
        replayed += 1;
      });
    }
    expect(replayed).toBeGreaterThan(500);
    await cluster.stop();
  }, 60_000);
});

/** What a first start restores, made the way it was: by a node that starts on an empty disk. */
async function restoredAtFirst(id: string): Promise<Restored> {
  const disk = new MemoryDisk();
  const cluster = new MemoryCluster();
  cluster.disks.set(id, disk);
  await cluster.start(id);
  cluster.crash(id);
  return new MemoryStorage(disk).open({ clusterId: 'rxraft', nodeId: id });
}
