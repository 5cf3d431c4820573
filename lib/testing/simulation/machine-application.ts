import { msgpackCodec } from '../../codec/msgpack.js';
import { withSessions, sessionCodec, type SessionCommand, type SessionLimits } from '../../node/sessions/index.js';
import type { Codec } from '../../ports/codec.js';
import type { Committed, StateMachine } from '../../ports/state-machine.js';
import { Effects } from '../invariants/effects.js';
import type { Application, ApplicationParts, MachineHost } from './application.js';
import type { SnapshotShape } from './journal-snapshot.js';
import { TaggedMachine, taggedCodec, type Tagged } from './tagged.js';
import type { AnyMachine } from './simulated-machine.js';

type Sessions = StateMachine<SessionCommand<Tagged>, unknown, unknown, unknown>;

/** Every node runs a machine from outside, with client sessions around it. */
export class MachineApplication implements Application {
  readonly valueCodec: Codec<unknown>;
  readonly commandCodec: Codec<SessionCommand<Tagged>>;
  /** What every server made of every entry. */
  readonly effects: Effects;

  constructor(
    readonly machine: AnyMachine,
    private readonly limits: SessionLimits,
    /** Runs a check, and keeps what it throws. */
    private readonly guard: (check: () => void) => void,
  ) {
    this.valueCodec = machine.valueCodec ?? msgpackCodec();
    this.effects = new Effects(this.valueCodec);
    this.commandCodec = sessionCodec(taggedCodec(machine.commandCodec ?? msgpackCodec()));
  }

  partsFor(host: MachineHost): ApplicationParts {
    const tagged = new TaggedMachine(this.machine.create());
    const sessions = withSessions(tagged, { resultCodec: this.valueCodec, ...this.limits });
    return { stateMachine: new HostedMachine(sessions, tagged, host, (...applied) => this.guard(() => this.effects.observe(...applied))), commandCodec: this.commandCodec, valueCodec: this.valueCodec };
  }
}

/** The machine as the simulation hosts it: batches may take a while, snapshots come in small chunks, and everything is seen. */
class HostedMachine implements StateMachine<SessionCommand<Tagged>, unknown, unknown, unknown> {
  readonly notices: Sessions['notices'] & object;

  constructor(
    private readonly sessions: Sessions & { readonly notices: Sessions['notices'] & object },
    private readonly tagged: TaggedMachine,
    private readonly host: MachineHost,
    private readonly observe: Effects['observe'],
  ) {
    this.notices = sessions.notices;
  }

  apply(batch: readonly Committed<SessionCommand<Tagged>>[]): Promise<readonly unknown[]> | readonly unknown[] {
    this.host.onApply(batch);
    const { delay } = this.host;
    if (delay === undefined) return this.#applyNow(batch);
    return new Promise<void>((resolve) => delay(resolve)).then(() => this.#applyNow(batch));
  }

  query(query: unknown): unknown {
    return this.sessions.query?.(query);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    // Taken now, written piece by piece.
    return inPieces(this.sessions.snapshot(), this.host.snapshotShape());
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.sessions.restore(chunks);
    this.host.onRestore(() => undefined);
  }

  reset(): void | Promise<void> {
    return this.sessions.reset();
  }

  #applyNow(batch: readonly Committed<SessionCommand<Tagged>>[]): Promise<readonly unknown[]> | readonly unknown[] {
    this.tagged.reached.clear();
    const results = this.sessions.apply(batch);
    if (results instanceof Promise) return results.then((late: readonly unknown[]) => this.#tell(batch, late));
    return this.#tell(batch, results);
  }

  #tell(batch: readonly Committed<unknown>[], results: readonly unknown[]): readonly unknown[] {
    batch.forEach((entry, place) => this.observe(this.host.server, entry, results[place], this.tagged.reached.get(entry.index) ?? null));
    return results;
  }
}

async function* inPieces(chunks: AsyncIterable<Uint8Array>, { chunkBytes, pause }: SnapshotShape): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += chunkBytes) {
      await pause();
      yield chunk.slice(at, at + chunkBytes);
    }
  }
}
