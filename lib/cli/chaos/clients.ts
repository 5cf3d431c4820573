import { Dice } from '../../testing/simulation/dice.js';
import type { HttpClient } from '../http-client.js';
import type { Acknowledgements } from '../check/failover.js';
import type { Answer } from './answers.js';
import { Caller, type Recorded } from './caller.js';
import { Ledger } from './ledger.js';
import { Load } from './load.js';
import type { ChaosMember } from './members.js';
import { Registers } from './registers.js';
import { SessionCaller, type SendBySession } from './session-caller.js';

export interface ClientsParts {
  readonly http: HttpClient;
  readonly seed: number;
  readonly clients: number;
  /** Calls a second of all together, at most. */
  readonly ratePerSecond: number;
  /** The nodes at the moment. */
  readonly members: () => readonly ChaosMember[];
  readonly history: Recorded;
  readonly acknowledgements: Acknowledgements;
  readonly now: () => number;
  readonly sendBySession: SendBySession;
}

const REGISTERS = 6;
/** Every so many clients one writes through sessions. */
const SESSION_EVERY = 4;
/** How long a client keeps away from a node that did not answer. */
const AVOID_MS = 1000;
const PAUSE_AFTER_REFUSAL_MS = 25;

/** Clients that read and write through all nodes until they are told to stop. */
export class Clients {
  readonly #parts: ClientsParts;
  readonly load = new Load();
  readonly ledger = new Ledger();
  readonly registers = new Registers(REGISTERS);
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#parts.clients }, (_, i) => this.#run(i)));
  }

  /** Resolves once every call has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run(number: number): Promise<void> {
    const { seed, clients, ratePerSecond, members, now, sendBySession } = this.#parts;
    const dice = new Dice(seed, `client ${number}`);
    const { load, ledger, registers } = this;
    const parts = { ...this.#parts, name: `client ${number}`, dice, load, ledger, registers };
    const caller = number % SESSION_EVERY === SESSION_EVERY - 1 ? new SessionCaller(parts, sendBySession) : new Caller(parts);
    const avoidUntil = new Map<string, number>();
    for (let calls = 0; !this.#isStopping; calls += 1) {
      const startedAt = now();
      const reachable = members().filter(({ id }) => (avoidUntil.get(id) ?? 0) <= startedAt);
      const member = dice.pick(reachable.length === 0 ? members() : reachable);
      const answer = await caller.call(member, calls);
      if (isSilent(answer)) avoidUntil.set(member.id, now() + AVOID_MS);
      const pauseMs = (clients * 1000) / ratePerSecond - (now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, Math.max(pauseMs, answer.type === 'refused' ? PAUSE_AFTER_REFUSAL_MS : 0)));
    }
  }
}

/** Nobody answered: another node is asked first for a while. */
function isSilent(answer: Answer<unknown>): boolean {
  return answer.type === 'unknown' || (answer.type === 'refused' && answer.why === 'ECONNREFUSED');
}
