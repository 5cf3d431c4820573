import { Subject, type Observable } from 'rxjs';
import type { Entry } from '../../core/entry.js';
import type { LogIndex, NodeId } from '../../core/ids.js';
import type { SnapshotMeta } from '../../core/messages.js';
import type { DurableWrite } from '../../core/output.js';
import type { Clock } from '../../ports/clock.js';
import type { RecoveredState, Storage, StorageIdentity } from '../../ports/storage.js';
import type { ConnectionChange, Inbound, PeerMessage, Rejection, Transport, TransportIdentity } from '../../ports/transport.js';
import type { Process } from './process.js';

/** A timer is this late at least, so that it never comes before its time, whatever the rounding. */
const TIMER_LATE_MS = 1e-6;

/** The clock of a process: callbacks run in it, and its monotonic time runs at its own rate. */
export class ProcessClock implements Clock {
  /** What it said at `#since`; from then on it runs at `#rate`. */
  #base: number;
  #since: number;
  #rate: number;

  /** @param now what it says now. @param rate how fast it runs; 1 is right. */
  constructor(
    private readonly clock: Clock,
    private readonly process: Process,
    now: number,
    rate: number,
  ) {
    this.#base = now;
    this.#since = clock.now();
    this.#rate = rate;
  }

  now(): number {
    return this.#base + (this.clock.now() - this.#since) * this.#rate;
  }

  /** It runs faster or slower from now on. */
  drift(rate: number): void {
    this.#base = this.now();
    this.#since = this.clock.now();
    this.#rate = rate;
  }

  /** It says so much more from now on. */
  jump(ms: number): void {
    this.#base += ms;
  }

  wallTime(): number {
    return this.clock.wallTime();
  }

  schedule(delayMs: number, callback: () => void): () => void {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) callback();
    };
    const cancel = this.clock.schedule(Math.max(0, delayMs) / this.#rate + TIMER_LATE_MS, () => this.process.run(fire));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  yield(callback: () => void): void {
    this.clock.yield(() => this.process.run(callback));
  }
}

/** How a snapshot is read back: in small chunks, each after a while. */
export interface SnapshotReading {
  readonly chunkBytes: number;
  readonly pause: () => Promise<void>;
}

/** A storage used by a process: the disk works on while the process is paused, which learns of it later. */
export class ProcessStorage implements Storage {
  constructor(
    private readonly storage: Storage,
    private readonly process: Process,
    /** Called before the files are closed. */
    private readonly onClose: () => void,
    private readonly reading: SnapshotReading,
  ) {}

  open(identity: StorageIdentity): Promise<RecoveredState> {
    return this.process.promise(this.storage.open(identity));
  }

  append(write: DurableWrite): Promise<void> {
    return this.process.promise(this.storage.append(write));
  }

  read(from: LogIndex, to: LogIndex, maxBytes: number): Promise<Entry[]> {
    return this.process.promise(this.storage.read(from, to, maxBytes));
  }

  compact(through: LogIndex): Promise<void> {
    return this.process.promise(this.storage.compact(through));
  }

  saveSnapshot(meta: Omit<SnapshotMeta, 'bytes'>, chunks: AsyncIterable<Uint8Array>, options: { readonly replaceLog: boolean }): Promise<SnapshotMeta> {
    return this.process.promise(this.storage.saveSnapshot(meta, chunks, options));
  }

  async readSnapshot(offset?: number): Promise<{ readonly meta: SnapshotMeta; readonly chunks: AsyncIterable<Uint8Array> } | null> {
    const found = await this.process.promise(this.storage.readSnapshot(offset));
    return found === null ? null : { meta: found.meta, chunks: this.#pieces(found.chunks) };
  }

  close(): Promise<void> {
    this.onClose();
    return this.process.promise(this.storage.close());
  }

  async *#pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { chunkBytes, pause } = this.reading;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += chunkBytes) {
        await pause();
        yield chunk.subarray(at, at + chunkBytes);
      }
    }
  }
}

/** A transport used by a process: what arrives while it is paused waits in the kernel. */
export class ProcessTransport implements Transport {
  readonly rejections: Observable<Rejection>;
  readonly drops: Observable<number>;
  readonly #messages = new Subject<Inbound>();
  readonly #connections = new Subject<ConnectionChange>();
  readonly messages: Observable<Inbound> = this.#messages.asObservable();
  readonly connections: Observable<ConnectionChange> = this.#connections.asObservable();

  constructor(
    private readonly transport: Transport,
    process: Process,
    /** Sees every message that leaves. */
    private readonly onSend: (to: NodeId, message: PeerMessage) => void,
  ) {
    this.rejections = transport.rejections;
    this.drops = transport.drops;
    transport.messages.subscribe((inbound) => process.run(() => this.#messages.next(inbound)));
    transport.connections.subscribe((change) => process.run(() => this.#connections.next(change)));
  }

  start(identity: TransportIdentity): Promise<void> {
    return this.transport.start(identity);
  }

  setPeers(addresses: ReadonlyMap<NodeId, string>): void {
    this.transport.setPeers(addresses);
  }

  send(to: NodeId, message: PeerMessage): void {
    this.onSend(to, message);
    this.transport.send(to, message);
  }

  flush(): void {
    this.transport.flush();
  }

  async stop(): Promise<void> {
    await this.transport.stop();
    this.#messages.complete();
    this.#connections.complete();
  }
}
