import { Subject } from 'rxjs';
import type { Codec } from '../ports/codec.js';
import type { Committed, MachineNotice, StateMachine } from '../ports/state-machine.js';
import type { ByteStreams } from './byte-streams.js';
import type { ErrorsAcross } from './errors-across.js';
import type { ApplyRun, EncodedValue, ToApplication, ToWorker } from './messages.js';

/** What this node's own state machine gave for a command; the value itself stays with the application. */
export class OwnResult {
  constructor(readonly encoded: EncodedValue | null) {}
}

/** One for all: where nobody asked for the values, they are not told apart. */
const OWN = new OwnResult(null);

/** A result that came from the leader, encoded; results of this node's own state machine are encoded by the application already. */
export const resultCodec: Codec<unknown> = {
  encode(value) {
    const encoded = value instanceof OwnResult ? value.encoded : null;
    if (encoded === null) throw new Error('the result was not asked for');
    if (typeof encoded === 'string') throw new Error(encoded);
    return encoded;
  },
  decode: (bytes) => bytes.slice(),
};

export interface MachineProxyParts {
  readonly post: (message: ToApplication) => void;
  readonly errors: ErrorsAcross;
  readonly streams: ByteStreams;
  /** How a batch crosses. */
  readonly runsOf: (batch: readonly Committed<Uint8Array>[]) => readonly ApplyRun[];
  /** Whether another node may be waiting for the result of a command. */
  readonly wantsValues: () => boolean;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The application's state machine as the node's thread sees it: batches go across, one at a time, and so do the streams of
 * snapshots. A query is not asked here: that it may be asked is all the application needs to know.
 */
export class MachineProxy implements StateMachine<Uint8Array, OwnResult, number, void> {
  readonly #noticed = new Subject<MachineNotice>();
  readonly notices = this.#noticed.asObservable();
  readonly #waiting = new Map<number, Waiting>();
  #applying: { readonly resolve: (results: readonly OwnResult[]) => void; readonly reject: (error: unknown) => void } | null = null;
  #nextRequest = 1;

  constructor(private readonly parts: MachineProxyParts) {}

  apply(batch: readonly Committed<Uint8Array>[]): Promise<readonly OwnResult[]> {
    const { post, runsOf, wantsValues } = this.parts;
    post({ type: 'apply', runs: runsOf(batch), wantsValues: wantsValues() });
    return new Promise((resolve, reject) => (this.#applying = { resolve, reject }));
  }

  query(): void {
    return;
  }

  snapshot(): AsyncIterable<Uint8Array> {
    const request = this.#nextRequest++;
    const chunks = this.parts.streams.receive(request);
    this.parts.post({ type: 'machine', request, operation: 'snapshot' });
    return chunks;
  }

  restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#ask('restore', (request) => void this.parts.streams.send(request, chunks));
  }

  reset(): Promise<void> {
    return this.#ask('reset', () => undefined);
  }

  /** Takes the application's answers; request 0 is the batch, which failed. */
  handle(message: Extract<ToWorker, { type: 'applied' | 'machineDone' | 'notice' }>): void {
    if (message.type === 'notice') return this.#noticed.next(message.notice);
    if (message.type === 'applied') {
      this.#applying?.resolve(resultsOf(message.count, message.values));
      return;
    }
    const { request, error } = message;
    if (request === 0) {
      if (error !== null) this.#applying?.reject(this.parts.errors.revive(error));
      return;
    }
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    if (error === null) waiting?.resolve();
    else waiting?.reject(this.parts.errors.revive(error));
  }

  #ask(operation: 'reset' | 'restore', begin: (request: number) => void): Promise<void> {
    const request = this.#nextRequest++;
    this.parts.post({ type: 'machine', request, operation });
    begin(request);
    return new Promise((resolve, reject) => this.#waiting.set(request, { resolve, reject }));
  }
}

/** One for each command: a machine that gave too few or too many is found out by the node. */
function resultsOf(count: number, values: readonly EncodedValue[] | null): readonly OwnResult[] {
  if (values === null) return new Array<OwnResult>(count).fill(OWN);
  return values.map((value) => new OwnResult(typeof value === 'string' ? value : value.slice()));
}
