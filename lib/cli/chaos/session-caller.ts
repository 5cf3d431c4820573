import type { KeyValueResult } from '../../testing/linearizability/key-value-model.js';
import type { KvResult } from '../../server/kv/commands.js';
import type { Answer } from './answers.js';
import type { CallerParts } from './caller.js';
import type { ChaosMember } from './members.js';
import type { SessionAnswer, SessionWrite } from './session-host.js';

/** How a command is brought to the session of a node; an answer that its process took with it is unknown. */
export type SendBySession = (member: ChaosMember, write: SessionWrite) => Promise<SessionAnswer>;

const KINDS = ['session-put', 'session-put', 'session-cas', 'session-delete'] as const;

/** A client that writes through sessions: each of its calls is one, however often the session sends it. */
export class SessionCaller {
  readonly #parts: CallerParts;
  readonly #send: SendBySession;
  /** The revision of a key that it wrote or was told last. */
  readonly #seen = new Map<string, number>();

  constructor(parts: CallerParts, send: SendBySession) {
    this.#parts = parts;
    this.#send = send;
  }

  /** One call to this node; `number` makes its value unlike any other. */
  async call(member: ChaosMember, number: number): Promise<Answer<KvResult>> {
    const { name, dice, load, registers, history, acknowledgements, now } = this.#parts;
    const kind = dice.pick(KINDS);
    const register = registers.pick(dice);
    const write = this.#writeOf(kind, register.key, `${name}, ${number}`);
    const { type, key, value, expect } = write;
    const condition = expect === undefined ? {} : { expect };
    const recorded = history.begin(name, type === 'put' ? { type, key, value, ...condition } : { type, key, ...condition });
    const sentAt = now();
    const { answer, resent } = await this.#send(member, write);
    load.note(kind, answer);
    load.resent += resent;
    if (answer.type === 'refused') recorded.failed();
    else if (answer.type === 'unknown') {
      register.unknown += 1;
      recorded.unknown();
    } else {
      this.#remember(key, answer.reply);
      recorded.done(resultOf(answer.reply));
      acknowledgements.note(acknowledgements.count + 1, sentAt);
    }
    return answer;
  }

  #writeOf(kind: (typeof KINDS)[number], key: string, value: string): SessionWrite {
    if (kind === 'session-delete') return { type: 'delete', key, value: '' };
    if (kind === 'session-put') return { type: 'put', key, value };
    const revision = this.#seen.get(key);
    return { type: 'put', key, value, expect: revision === undefined ? 'absent' : [revision] };
  }

  #remember(key: string, result: KvResult): void {
    const revision = result.type === 'stored' || result.type === 'conflict' ? result.revision : null;
    if (revision === null) this.#seen.delete(key);
    else this.#seen.set(key, revision);
  }
}

/** What the model is told of a write. */
function resultOf(result: KvResult): KeyValueResult {
  if (result.type === 'refused') throw new Error(`the store refused a write that is in order: ${result.reason}`);
  return result;
}
