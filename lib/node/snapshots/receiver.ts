import type { Input } from '../../core/inputs.js';
import type { LogId, NodeId, Term } from '../../core/ids.js';
import type { InstallSnapshot, SnapshotMeta } from '../../core/messages.js';
import type { SnapshotChunk } from '../../core/output.js';
import type { RaftEventBody } from '../../core/events.js';
import type { RaftCore } from '../../core/raft.js';
import type { Clock } from '../../ports/clock.js';
import type { StateMachine } from '../../ports/state-machine.js';
import type { Storage } from '../../ports/storage.js';
import type { Transport } from '../../ports/transport.js';
import { ByteQueue } from './byte-queue.js';
import { crc32 } from './crc32.js';
import { NOTHING } from './nothing.js';
import { paced } from './paced.js';

export interface SnapshotReceiverParts {
  readonly core: Pick<RaftCore, 'term' | 'heardRound' | 'restoring' | 'commitIndex'>;
  readonly storage: Pick<Storage, 'saveSnapshot' | 'readSnapshot' | 'append'>;
  readonly stateMachine: Pick<StateMachine<never, unknown>, 'reset' | 'restore'>;
  readonly transport: Pick<Transport, 'send' | 'flush'>;
  readonly clock: Clock;
  readonly enqueue: (input: Input) => void;
  readonly report: (event: RaftEventBody) => void;
  /** Resolves when the state machine works on no batch; none is begun while a snapshot is staged. */
  readonly whenIdle: () => Promise<void>;
  readonly onRestored: (last: LogId) => void;
  /** The log is replaced and the state machine can't be restored: the node must stop. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** While more than this waits for the disk nothing new is acknowledged, and the leader waits too. */
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
  /** Bytes here in order. */
  received: number;
  /** What the sender was told of them: less while the disk is behind. */
  acknowledged: number;
  /** The sender's newest attempt that was seen, with its term, and whether a chunk of it is missing that the sender was not told of. */
  term: Term;
  attempt: number;
  owesGap: boolean;
  isComplete: boolean;
}

/**
 * Takes the leader's chunks in order and hands them to storage as they come; answers each with how far it is, or that
 * something is missing, so that the leader goes on from there. Chunks of two snapshots, or of two servers, are never mixed: one of
 * another abandons what came before. When all is here the core is told, takes no entries from then on, and log and
 * state machine are replaced.
 */
export class SnapshotReceiver {
  private current: Reception | null = null;
  private isClosed = false;

  constructor(private readonly parts: SnapshotReceiverParts) {}

  handleChunk({ from, chunk }: SnapshotChunk): void {
    const reception = this.receptionOf(from, chunk.snapshot);
    if (reception === null) {
      this.reply(from, chunk.snapshot.last, chunk.attempt, 0, false);
      return;
    }
    noteAttempt(reception, chunk);
    const isMissing = !this.take(reception, chunk);
    this.acknowledge(reception, chunk.attempt, isMissing);
  }

  /** Gives up what is not complete: the node ends. */
  close(): void {
    this.isClosed = true;
    this.current?.bytes.fail(new Error('the node stops'));
    this.current = null;
  }

  /** What the chunk belongs to; null while another snapshot is being put in force: this one waits. */
  private receptionOf(from: NodeId, snapshot: SnapshotMeta): Reception | null {
    const { current } = this;
    if (current !== null && isPartOf(current, from, snapshot)) return current;
    if (current?.isComplete === true) return null;
    current?.bytes.fail(new Error('another snapshot took its place'));
    return this.begin(from, snapshot);
  }

  /** Takes what is new of a chunk. False when it does not follow on what is here, or is damaged. */
  private take(reception: Reception, chunk: InstallSnapshot): boolean {
    const { offset, data, done } = chunk;
    if (crc32(data) !== chunk.checksum) {
      this.parts.report({ type: 'CorruptionDetected', term: this.parts.core.term, where: `snapshot chunk at byte ${offset} from ${reception.from}`, action: 'discarded' });
      return false;
    }
    if (offset > reception.received) return false;
    if (reception.isComplete) return true;
    const fresh = data.subarray(reception.received - offset);
    if (fresh.length > 0) {
      reception.received += fresh.length;
      reception.bytes.push(fresh);
    }
    const isEnd = done && reception.received === offset + data.length;
    if (fresh.length > 0 || isEnd) this.reportProgress(reception);
    if (isEnd) this.stage(reception);
    return true;
  }

  private begin(from: NodeId, snapshot: SnapshotMeta): Reception {
    const bytes = new ByteQueue(() => {
      if (reception.acknowledged < reception.received || reception.owesGap) this.acknowledge(reception, reception.attempt, reception.owesGap);
    });
    const { last, configuration, configurationIndex } = snapshot;
    const reception: Reception = { last, bytes, from, totalBytes: snapshot.bytes, received: 0, acknowledged: 0, term: 0, attempt: 0, owesGap: false, isComplete: false };
    this.current = reception;
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

  /** After every turn: one that was staged goes on; one that the log has caught up with is given up. */
  afterTurn(): void {
    const reception = this.current;
    if (reception === null || reception.bytes.hasEnded) return;
    const { restoring, commitIndex } = this.parts.core;
    if (reception.isComplete && restoring?.index === reception.last.index) this.parts.whenIdle().then(() => reception.bytes.end(), () => undefined);
    else if (commitIndex >= reception.last.index) reception.bytes.fail(CAUGHT_UP);
  }

  private async install(reception: Reception, saved: SnapshotMeta): Promise<void> {
    const { storage, stateMachine, clock, enqueue, onRestored, onFault } = this.parts;
    try {
      if (this.hasEnded()) return; // the next start restores it
      const snapshot = await storage.readSnapshot();
      if (snapshot === null) throw new Error('the snapshot that was just saved is not there');
      if (this.hasEnded()) return;
      await stateMachine.reset();
      if (this.hasEnded()) return;
      await stateMachine.restore(paced(snapshot.chunks, clock));
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

  /** Says how far it is. While the disk is behind the sender hears nothing new, only that this server lives: it waits. */
  private acknowledge(reception: Reception, attempt: number, isMissing: boolean): void {
    const isBehind = reception.bytes.length > MAX_WAITING_BYTES;
    if (isBehind) reception.owesGap ||= isMissing && attempt === reception.attempt;
    else {
      reception.acknowledged = reception.received;
      if (attempt === reception.attempt) reception.owesGap = false;
    }
    this.reply(reception.from, reception.last, attempt, reception.acknowledged, isMissing && !isBehind);
  }

  private reply(to: NodeId, last: LogId, attempt: number, received: number, gap: boolean): void {
    const { core, transport } = this.parts;
    transport.send(to, { type: 'installSnapshotReply', term: core.term, round: core.heardRound, last, attempt, received, gap, installed: false, matched: 0 });
    transport.flush();
  }

  private reportProgress({ from, last, received, totalBytes }: Reception): void {
    this.parts.report({ type: 'SnapshotReceived', term: this.parts.core.term, from, last: { index: last.index, term: last.term }, receivedBytes: received, bytes: totalBytes });
  }
}

/** A server that leads anew may count its attempts anew. */
function noteAttempt(reception: Reception, { term, attempt }: InstallSnapshot): void {
  if (term < reception.term || (term === reception.term && attempt <= reception.attempt)) return;
  reception.term = term;
  reception.attempt = attempt;
  reception.owesGap = false;
}

function isPartOf(reception: Reception, from: NodeId, { last, bytes }: SnapshotMeta): boolean {
  return reception.from === from && reception.last.index === last.index && reception.last.term === last.term && reception.totalBytes === bytes;
}
