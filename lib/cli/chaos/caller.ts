import type { History } from '../../testing/linearizability/history.js';
import type { KeyValueExpectation, KeyValueOperation, KeyValueResult } from '../../testing/linearizability/key-value-model.js';
import type { Dice } from '../../testing/simulation/dice.js';
import type { Acknowledgements } from '../check/failover.js';
import type { HttpClient, HttpReply } from '../http-client.js';
import { ask, revisionOf, type Answer } from './answers.js';
import type { Ledger } from './ledger.js';
import type { Load, LoadOperation } from './load.js';
import type { ChaosMember } from './members.js';
import type { Register, Registers } from './registers.js';

/** What clients did and were told, for the checker. */
export type Recorded = History<KeyValueOperation, KeyValueResult>;

export interface CallerParts {
  readonly name: string;
  readonly http: HttpClient;
  readonly dice: Dice;
  readonly history: Recorded;
  readonly load: Load;
  readonly ledger: Ledger;
  readonly registers: Registers;
  readonly acknowledgements: Acknowledgements;
  readonly now: () => number;
}

/** What a client does over HTTP. */
type HttpOperation = Exclude<LoadOperation, `session-${string}`>;

/** How often each operation, of all. */
const SHARES: readonly (readonly [HttpOperation, number])[] = [['get', 0.35], ['put', 0.2], ['cas', 0.2], ['delete', 0.05], ['entry', 0.2]];

/** One client: makes one call at a time and records what it was told. */
export class Caller {
  readonly #parts: CallerParts;
  /** The revision of a key that it saw last. */
  readonly #seen = new Map<string, number>();

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** One call of any kind to this node; `number` makes its value unlike any other. */
  async call(member: ChaosMember, number: number): Promise<Answer> {
    const { dice, load, registers, acknowledgements, now } = this.#parts;
    const operation = this.#draw(dice.between([0, 1]));
    const sentAt = now();
    const answer = operation === 'entry' ? await this.#writeEntry(member) : await this.#use(operation, registers.pick(dice), member, number);
    load.note(operation, answer);
    if (operation !== 'get' && answer.type === 'answered') acknowledgements.note(acknowledgements.count + 1, sentAt);
    return answer;
  }

  #draw(point: number): HttpOperation {
    let rest = point;
    for (const [operation, share] of SHARES) {
      rest -= share;
      if (rest < 0) return operation;
    }
    return 'get';
  }

  async #writeEntry(member: ChaosMember): Promise<Answer> {
    const { http, ledger } = this.#parts;
    const key = ledger.next();
    const answer = await ask(http, 'PUT', urlOf(member, key), { body: ledger.valueOf(key), headers: { 'If-None-Match': '*' } });
    if (answer.type !== 'answered') ledger.note(key, answer.type);
    else ledger.note(key, answer.reply.status === 201 ? 'acknowledged' : 'found');
    return answer;
  }

  async #use(operation: Exclude<HttpOperation, 'entry'>, register: Register, member: ChaosMember, number: number): Promise<Answer> {
    const { name, http, history } = this.#parts;
    const { key } = register;
    const expect = operation === 'cas' ? this.#expectation(key) : undefined;
    const value = `${name}, ${number}`;
    const recorded = history.begin(name, operationOf(operation, key, value, expect));
    const method = operation === 'get' ? 'GET' : operation === 'delete' ? 'DELETE' : 'PUT';
    const answer = await ask(http, method, urlOf(member, key), { ...(method === 'PUT' ? { body: value } : {}), headers: headersOf(expect) });
    // A read has no effect, whatever became of its answer.
    if (answer.type === 'refused' || (operation === 'get' && answer.type === 'unknown')) recorded.failed();
    else if (answer.type === 'unknown') {
      register.unknown += 1;
      recorded.unknown();
    } else {
      this.#remember(key, answer.reply);
      recorded.done(resultOf(operation, answer.reply));
    }
    return answer;
  }

  #expectation(key: string): KeyValueExpectation {
    const revision = this.#seen.get(key);
    return revision === undefined ? 'absent' : [revision];
  }

  #remember(key: string, reply: HttpReply): void {
    const revision = revisionOf(reply);
    if (Number.isFinite(revision)) this.#seen.set(key, revision);
    else this.#seen.delete(key);
  }
}

function urlOf(member: ChaosMember, key: string): string {
  return `${member.url}/kv/${key}`;
}

function headersOf(expect: KeyValueExpectation | undefined): Record<string, string> {
  if (expect === 'absent') return { 'If-None-Match': '*' };
  return Array.isArray(expect) ? { 'If-Match': expect.map((revision) => `"${revision}"`).join(', ') } : {};
}

function operationOf(operation: Exclude<HttpOperation, 'entry'>, key: string, value: string, expect: KeyValueExpectation | undefined): KeyValueOperation {
  if (operation === 'get' || operation === 'delete') return { type: operation, key };
  return { type: 'put', key, value, ...(expect === undefined ? {} : { expect }) };
}

/** What an answer of `/kv` says. */
export function resultOf(operation: Exclude<HttpOperation, 'entry'>, reply: HttpReply): KeyValueResult {
  const { status, body } = reply;
  if (operation === 'get') return { type: 'entry', entry: status === 404 ? null : { value: body.toString(), revision: revisionOf(reply) } };
  if (status === 412) return { type: 'conflict', revision: reply.headers.etag === undefined ? null : revisionOf(reply) };
  if (operation === 'delete') return { type: 'deleted', existed: status === 204 };
  return { type: 'stored', revision: revisionOf(reply), created: status === 201 };
}
