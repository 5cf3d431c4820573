import { openSession, type ClientSession, type SessionNode } from '../../node/sessions/index.js';
import { ProposalIndeterminateError, SessionExpiredError } from '../../ports/errors.js';
import type { KvNode } from '../../server/kv-node.js';
import type { Expectation, KvCommand, KvResult } from '../../server/kv/commands.js';
import { messageOf } from '../exit.js';
import type { Answer } from './answers.js';

/** A write, as IPC carries it. */
export interface SessionWrite {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly value: string;
  readonly expect?: Expectation;
}

/** What became of it, and how often commands have been proposed again since the last answer. */
export interface SessionAnswer {
  readonly answer: Answer<KvResult>;
  readonly resent: number;
}

/** How long the first attempt may take: so short that elections, pauses and cuts make the session try again. */
const ATTEMPT_TIMEOUT_MS = 300;
const CALL_TIMEOUT_MS = 5000;

/** In a node's process: one session with the cluster for whoever asks, opened anew when it is lost. */
export class SessionHost {
  readonly #node: SessionNode<KvCommand, KvResult>;
  #session: Promise<ClientSession<KvCommand, KvResult>> | null = null;
  #resent = 0;

  /** @param node of a `SessionedStore`. */
  constructor(node: KvNode) {
    this.#node = this.#counting(node as unknown as SessionNode<KvCommand, KvResult>);
  }

  /** One command, once, however often it has to be proposed. */
  async write(write: SessionWrite): Promise<SessionAnswer> {
    const answer = await this.#answer(commandOf(write));
    const resent = this.#resent;
    this.#resent = 0;
    return { answer, resent };
  }

  async #answer(command: KvCommand): Promise<Answer<KvResult>> {
    try {
      this.#session ??= openSession(this.#node, { attemptTimeoutMs: ATTEMPT_TIMEOUT_MS, timeoutMs: CALL_TIMEOUT_MS });
      const session = await this.#session.catch((error: unknown) => {
        this.#session = null;
        throw error;
      });
      return { type: 'answered', reply: (await session.propose(command, { timeoutMs: CALL_TIMEOUT_MS })).value };
    } catch (error) {
      if (error instanceof SessionExpiredError) this.#session = null;
      const isUnknown = error instanceof ProposalIndeterminateError;
      return { type: isUnknown ? 'unknown' : 'refused', why: `session: ${error instanceof Error ? error.name : messageOf(error)}` };
    }
  }

  /** A command's second proposal bears the number of the first. */
  #counting(node: SessionNode<KvCommand, KvResult>): SessionNode<KvCommand, KvResult> {
    let [current, newest] = [0, 0];
    return {
      metrics: node.metrics,
      serverMetrics: node.serverMetrics,
      propose: (command, options) => {
        if (command.type === 'command') {
          if (command.session !== current) [current, newest] = [command.session, 0];
          if (command.sequence <= newest) this.#resent += 1;
          newest = Math.max(newest, command.sequence);
        }
        return node.propose(command, options);
      },
    };
  }
}

function commandOf({ type, key, value, expect }: SessionWrite): KvCommand {
  const condition = expect === undefined ? {} : { expect };
  return type === 'put' ? { type, key, value: new TextEncoder().encode(value), ...condition } : { type, key, ...condition };
}
