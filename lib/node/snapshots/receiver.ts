import type { Input } from '../../core/inputs.js';
import type { LogId, NodeId } from '../../core/ids.js';
import type { SnapshotMeta } from '../../core/messages.js';
import type { SnapshotChunk } from '../../core/output.js';
import type { RaftEventBody } from '../../core/events.js';
import type { RaftCore } from '../../core/raft.js';
import type { StateMachine } from '../../ports/state-machine.js';
import type { Storage } from '../../ports/storage.js';
import type { Transport } from '../../ports/transport.js';
import { ByteQueue } from './byte-queue.js';
import { crc32 } from './crc32.js';

export interface SnapshotReceiverParts {
  readonly core: RaftCore;
  readonly storage: Storage;
  readonly stateMachine: Pick<StateMachine<never, unknown>, 'reset' | 'restore'>;
  readonly transport: Transport;
  readonly enqueue: (input: Input) => void;
  readonly report: (event: RaftEventBody) => void;
  /** Resolves when the state machine works on no batch; none is begun while a snapshot is staged. */
  readonly whenIdle: () => Promise<void>;
  readonly onRestored: (last: LogId) => void;
  /** The log is replaced and the state machine can't be restored: the node must stop. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** Beyond this the next acknowledgement waits for the disk, and with it the leader. */
const MAX_WAITING_BYTES = 1 << 20;

/** One snapshot on its way in. */
interface Reception {
  readonly last: LogId;
  readonly bytes: ByteQueue;
  /** Who sent the newest chunk. */
  from: NodeId;
  received: number;
  isComplete: boolean;
}

/**
 * Takes the leader's chunks in order and hands them to storage as they come; says how far it is, so that the
 * leader may go on from there, whichever leader that is. Chunks of two snapshots are never mixed: one of another snapshot
 * abandons what came before. When all is here the core is told, takes no entries from then on, and log and
 * state machine are replaced.
 */
export class SnapshotReceiver {
  private current: Reception | null = null;

  constructor(private readonly parts: SnapshotReceiverParts) {}

  handleChunk({ from, chunk }: SnapshotChunk): void {
    const { snapshot, offset, data, checksum, done } = chunk;
    let reception = this.current;
    if (reception?.last.index !== snapshot.last.index || reception.last.term !== snapshot.last.term) {
      if (reception?.isComplete === true) return; // it is being put in force: the next one waits
      reception?.bytes.fail(new Error('another snapshot took its place'));
      reception = this.begin(from, snapshot);
    }
    reception.from = from;
    if (crc32(data) !== checksum) {
      this.parts.report({ type: 'CorruptionDetected', term: this.parts.core.term, where: `snapshot chunk at byte ${offset} from ${from}`, action: 'discarded' });
    } else if (offset === reception.received && !reception.isComplete) {
      reception.received += data.length;
      reception.bytes.push(data);
      if (done) this.stage(reception);
    }
    if (reception.bytes.length <= MAX_WAITING_BYTES) this.acknowledge(reception);
  }

  /** Gives up what is not complete: the node ends. */
  close(): void {
    this.current?.bytes.fail(new Error('the node stops'));
    this.current = null;
  }

  private begin(from: NodeId, snapshot: SnapshotMeta): Reception {
    const bytes = new ByteQueue(() => this.acknowledge(reception));
    const reception: Reception = { last: snapshot.last, bytes, from, received: 0, isComplete: false };
    this.current = reception;
    const { last, configuration, configurationIndex } = snapshot;
    this.parts.storage.saveSnapshot({ last, configuration, configurationIndex }, reception.bytes, { replaceLog: true }).then(
      (saved) => this.install(reception, saved),
      () => this.abandon(reception),
    );
    return reception;
  }

  /** All bytes are here. The core stops taking entries before storage learns of the end and drops the log. */
  private stage(reception: Reception): void {
    reception.isComplete = true;
    this.parts.enqueue({ type: 'snapshotStaged', last: reception.last });
  }

  /** After the turn that staged it: goes on, or, when the log caught up meanwhile, gives up. */
  afterTurn(): void {
    const reception = this.current;
    if (reception?.isComplete !== true || reception.bytes.hasEnded) return;
    const { restoring, commitIndex } = this.parts.core;
    if (restoring?.index === reception.last.index) this.parts.whenIdle().then(() => reception.bytes.end(), () => undefined);
    else if (commitIndex >= reception.last.index) reception.bytes.fail(new Error('the log has caught up'));
  }

  private async install(reception: Reception, saved: SnapshotMeta): Promise<void> {
    const { storage, stateMachine, enqueue, onRestored, onFault } = this.parts;
    try {
      const snapshot = await storage.readSnapshot();
      if (snapshot === null) throw new Error('the snapshot that was just saved is not there');
      await stateMachine.reset();
      await stateMachine.restore(snapshot.chunks);
      onRestored(saved.last);
      enqueue({ type: 'snapshotInstalled', snapshot: saved });
      if (this.current === reception) this.current = null;
    } catch (error) {
      onFault('restore', error);
    }
  }

  private abandon(reception: Reception): void {
    if (this.current === reception) this.current = null;
    if (reception.isComplete) this.parts.enqueue({ type: 'snapshotAbandoned' });
  }

  private acknowledge(reception: Reception): void {
    const { core, transport } = this.parts;
    transport.send(reception.from, { type: 'installSnapshotReply', term: core.term, round: core.heardRound, last: reception.last, received: reception.received, installed: false, matched: 0 });
    transport.flush();
  }
}
