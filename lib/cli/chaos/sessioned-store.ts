import { msgpackCodec } from '../../codec/msgpack.js';
import { isSessionCommand, type SessionCommand, type SessionResult } from '../../node/sessions/commands.js';
import { withSessions } from '../../node/sessions/index.js';
import type { Committed, StateMachine } from '../../ports/state-machine.js';
import { KvMachine } from '../../server/kv-machine.js';
import type { KvAnswer, KvCommand, KvQuery, KvResult } from '../../server/kv/commands.js';

type StoreCommand = KvCommand | SessionCommand<KvCommand>;
type StoreResult = KvResult | SessionResult<KvResult>;

/** The key-value store for two kinds of clients: those of HTTP, whose commands are plain, and those who have sessions. */
export class SessionedStore implements StateMachine<StoreCommand, StoreResult, KvQuery, KvAnswer> {
  readonly #machine = withSessions(new KvMachine(), { resultCodec: msgpackCodec<KvResult>() });
  readonly notices = this.#machine.notices;

  apply(batch: readonly Committed<StoreCommand>[]): readonly StoreResult[] | Promise<readonly StoreResult[]> {
    const plain = batch.map(({ command }) => !isSessionCommand(command));
    const unwrap = (results: readonly SessionResult<KvResult>[]): StoreResult[] => results.map((result, place) => (plain[place] === true && result.type === 'applied' ? result.value : result));
    const results = this.#machine.apply(batch.map((entry) => ({ ...entry, command: isSessionCommand(entry.command) ? (entry.command as SessionCommand<KvCommand>) : { type: 'plain', command: entry.command } })));
    return results instanceof Promise ? results.then(unwrap) : unwrap(results);
  }

  query(query: KvQuery): KvAnswer | Promise<KvAnswer> {
    if (this.#machine.query === undefined) throw new TypeError('the store answers queries');
    return this.#machine.query(query);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return this.#machine.snapshot();
  }

  restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#machine.restore(chunks);
  }

  reset(): void | Promise<void> {
    return this.#machine.reset();
  }
}
