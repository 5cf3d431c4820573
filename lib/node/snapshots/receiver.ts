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
import { NOTHING } from './nothing.js';

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

/** Why a whole snapshot may not be needed any more. */
const CAUGHT_UP = new Error('the log has caught up');

/** One snapshot on its way in. */
interface Reception {
  readonly last: LogId;
  readonly bytes: ByteQueue;
  /** Whose snapshot it is: two servers' bytes for the same entries need not be the same. */
  readonly from: NodeId;
  /** How long all of it is. */
  readonly totalBytes: number;
  received: number;
  isComplete: boolean;
}

/**
 * Takes the leader's chunks in order and hands them to storage as they come; says how far it is, so that the
 * leader may go on from there. Chunks of two snapshots, or of two servers, are never mixed: one of another
 * abandons what came before. When all is here the core is told, takes no entries from then on, and log and
 * state machine are replaced.
 */
export class SnapshotReceiver {
  private current: Reception | null = null;
  private isClosed = false;

  constructor(private readonly parts: SnapshotReceiverParts) {}

  handleChunk({ from, chunk }: SnapshotChunk): void {
    const { snapshot, offset, data, checksum, done } = chunk;
    let reception = this.current;
    if (reception === null || !isPartOf(reception, from, snapshot)) {
      if (reception?.isComplete === true) return; // it is being put in force: the next one waits
      reception?.bytes.fail(new Error('another snapshot took its place'));
      reception = this.begin(from, snapshot);
    }
    if (crc32(data) !== checksum) {
      this.parts.report({ type: 'CorruptionDetected', term: this.parts.core.term, where: `snapshot chunk at byte ${offset} from ${from}`, action: 'discarded' });
    } else if (offset === reception.received && !reception.isComplete) {
      reception.received += data.length;
      reception.bytes.push(data);
      if (done) this.stage(reception);
    }
    if (reception.bytes.length <= MAX_WAITING_BYTES) this.acknowledge(reception);
  }

  /** Gives up what is not complete, and begins no restoring: the node ends, and the state machine is the caller's again. */
  close(): void {
    this.isClosed = true;
    this.current?.bytes.fail(new Error('the node stops'));
    this.current = null;
  }

  private begin(from: NodeId, snapshot: SnapshotMeta): Reception {
    const bytes = new ByteQueue(() => this.acknowledge(reception));
    const reception: Reception = { last: snapshot.last, bytes, from, totalBytes: snapshot.bytes, received: 0, isComplete: false };
    this.current = reception;
    const { last, configuration, configurationIndex } = snapshot;
    this.parts.storage.saveSnapshot({ last, configuration, configurationIndex }, reception.bytes, { replaceLog: true }).then(
      (saved) => this.install(reception, saved),
      (error: unknown) => this.abandon(reception, error),
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
    else if (commitIndex >= reception.last.index) reception.bytes.fail(CAUGHT_UP);
  }

  private async install(reception: Reception, saved: SnapshotMeta): Promise<void> {
    const { storage, stateMachine, enqueue, onRestored, onFault } = this.parts;
    try {
      if (this.hasEnded()) return; // the next start restores it
      const snapshot = await storage.readSnapshot();
      if (snapshot === null) throw new Error('the snapshot that was just saved is not there');
      if (this.hasEnded()) return;
      await stateMachine.reset();
      if (this.hasEnded()) return;
      await stateMachine.restore(snapshot.chunks);
      onRestored(saved.last);
      enqueue({ type: 'snapshotInstalled', snapshot: saved });
      if (this.current === reception) this.current = null;
    } catch (error) {
      onFault('restore', error);
    }
  }

  /** Asked again after every wait. */
  private hasEnded(): boolean {
    return this.isClosed;
  }

  /** Storage did not take it, or the log has caught up; another that took its place goes on. */
  private abandon(reception: Reception, error: unknown): void {
    if (this.current !== reception) return;
    this.current = null;
    this.parts.enqueue({ type: 'snapshotAbandoned' });
    if (error === CAUGHT_UP) return;
    this.parts.report({ type: 'SnapshotFailed', term: this.parts.core.term, error: error instanceof Error ? error.message : String(error) });
    // A store that failed for good rejects this too. Without it a follower that only waits for snapshots would never learn.
    this.parts.storage.append(NOTHING).catch((cause: unknown) => this.parts.onFault('saveSnapshot', cause));
  }

  private acknowledge(reception: Reception): void {
    const { core, transport } = this.parts;
    transport.send(reception.from, { type: 'installSnapshotReply', term: core.term, round: core.heardRound, last: reception.last, received: reception.received, installed: false, matched: 0 });
    transport.flush();
  }
}

function isPartOf(reception: Reception, from: NodeId, { last, bytes }: SnapshotMeta): boolean {
  return reception.from === from && reception.last.index === last.index && reception.last.term === last.term && reception.totalBytes === bytes;
}
