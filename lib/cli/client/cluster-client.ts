import type { LeaderReport, MembersReport } from '../../server/http/member-report.js';
import { CliError, EXIT, messageOf } from '../exit.js';
import type { HttpCall, HttpClient, HttpReply } from '../http-client.js';

const MAX_PAUSE_MS = 200;

/** What the server says about a refusal. */
interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly leader?: LeaderReport | null;
  readonly problems?: readonly string[];
}

/** How a request may be sent. */
interface Manner {
  /** The one endpoint that is meant; null: any. */
  readonly only: string | null;
  /** Also when it may have been heard already. */
  readonly repeatable: boolean;
  /** It changes something. */
  readonly hasEffect: boolean;
}

export interface ClusterClientParts {
  readonly http: HttpClient;
  /** `host:port` of nodes to begin with. */
  readonly endpoints: readonly string[];
  /** How long a call may try. */
  readonly timeoutMs: number;
  readonly now: () => number;
}

/**
 * Talks to a cluster of which some nodes' HTTP addresses are known. Tries one after the other, learns of the other
 * members from those that answer and tries them too, follows hints to the leader, and comes back to those that say
 * "later" until its time is over.
 */
export class ClusterClient {
  /** In the order in which they became known. */
  readonly #endpoints: Set<string>;

  constructor(readonly parts: ClusterClientParts) {
    this.#endpoints = new Set(parts.endpoints);
  }

  /** Every address that is known: those to begin with, then what was learned. */
  get endpoints(): readonly string[] {
    return [...this.#endpoints];
  }

  /** Remembers addresses, and gives those that are new. */
  learn(endpoints: readonly string[]): readonly string[] {
    const news = endpoints.filter((endpoint) => !this.#endpoints.has(endpoint));
    for (const endpoint of news) this.#endpoints.add(endpoint);
    return news;
  }

  /**
   * Sends to any node that answers. What is `repeatable` is also sent again when it can't be known whether it
   * took effect; the rest only when it certainly did not.
   * @throws {CliError} 3 when no node answers in time, 4 when it may have happened; any status but "later" resolves.
   */
  any(method: string, path: string, call: HttpCall = {}, repeatable = method === 'GET'): Promise<HttpReply> {
    return this.#persist({ only: null, repeatable, hasEffect: method !== 'GET' }, (endpoint) => this.#send(endpoint, method, path, call));
  }

  /** Sends to the leader, whichever node is asked first. @throws {CliError} 3 when there is none in time. */
  leader(method: string, path: string, body?: unknown): Promise<HttpReply> {
    const call = body === undefined ? {} : jsonCall(body);
    return this.#persist({ only: null, repeatable: method === 'GET', hasEffect: method !== 'GET' }, async (endpoint) => {
      const reply = await this.#send(endpoint, method, path, call);
      const leader = reply.status === 421 ? (refusalOf(reply).leader ?? null) : null;
      const next = leader === null ? null : (leader.http ?? (await this.#find(leader.id)));
      return next === null || next === endpoint ? reply : this.#send(next, method, path, call);
    });
  }

  /** Sends to the node of this name. @throws {CliError} 1 when its address is unknown, 3 or 4 when it does not answer. */
  async node(id: string, method: string, path: string, body?: unknown): Promise<HttpReply> {
    const endpoint = await this.#find(id);
    if (endpoint === null) throw new CliError(`where node ${id} serves HTTP is not known; ask it by its own address, --endpoint <host:port>, or label it: rxraft member set-address ${id} <host:port> --http <host:port>`);
    return this.#persist({ only: endpoint, repeatable: method === 'GET', hasEffect: method !== 'GET' }, () => this.#send(endpoint, method, path, body === undefined ? {} : jsonCall(body)));
  }

  /** The members as the leader sees them. */
  async members(): Promise<MembersReport> {
    const seen = await this.json<MembersReport>(this.any('GET', '/members'));
    if (seen.leader === null || seen.leader.id === seen.node) return seen;
    const endpoint = seen.leader.http ?? (await this.#find(seen.leader.id));
    if (endpoint === null) return seen;
    const reply = await this.#send(endpoint, 'GET', '/members').catch(() => null);
    return reply?.status === 200 ? (JSON.parse(reply.body.toString()) as MembersReport) : seen;
  }

  /** The answer as JSON. @throws {CliError} when it is a refusal. */
  async json<T>(sent: Promise<HttpReply>): Promise<T> {
    const reply = await sent;
    if (reply.status >= 300) throw refusalError(reply);
    return JSON.parse(reply.body.toString()) as T;
  }

  async #send(endpoint: string, method: string, path: string, call: HttpCall = {}): Promise<HttpReply> {
    return this.parts.http.send(method, `http://${endpoint}${path}`, call);
  }

  /** The HTTP address of a node: as the configuration has it, or by asking those that are known. */
  async #find(id: string): Promise<string | null> {
    const known = [...this.endpoints];
    for (const endpoint of known) {
      const report = await this.#reportOf(endpoint);
      if (report === null) continue;
      if (report.node === id) return endpoint;
      const http = report.effective.members.find((member) => member.id === id)?.http ?? null;
      if (http !== null) return http;
      known.push(...this.#learnFrom(report));
    }
    return null;
  }

  async #reportOf(endpoint: string): Promise<MembersReport | null> {
    const reply = await this.#send(endpoint, 'GET', '/members').catch(() => null);
    return reply?.status === 200 ? membersIn(reply) : null;
  }

  #learnFrom({ effective }: MembersReport): readonly string[] {
    return this.learn(effective.members.flatMap(({ http }) => http ?? []));
  }

  /** Asks one endpoint after the other, in rounds, until one gives an answer that is not "later". */
  async #persist({ only, repeatable, hasEffect }: Manner, ask: (endpoint: string) => Promise<HttpReply>): Promise<HttpReply> {
    const { now, timeoutMs } = this.parts;
    const giveUpAt = now() + timeoutMs;
    let mayHaveHappened = false;
    for (let round = 1; ; round += 1) {
      const reasons: string[] = [];
      let hasAnswer = false;
      const known = only === null ? [...this.endpoints] : [only]; // grows while it is walked
      for (const endpoint of known) {
        const outcome = await outcomeOf(ask(endpoint));
        if ('reply' in outcome) {
          hasAnswer = true;
          if (!isLater(outcome.reply, repeatable)) return outcome.reply;
          const { code, message } = refusalOf(outcome.reply);
          reasons.push(`${endpoint}: ${message}`);
          mayHaveHappened ||= hasEffect && code === 'indeterminate';
          const report = only === null ? await this.#reportOf(endpoint) : null;
          if (report !== null) known.push(...this.#learnFrom(report));
        } else {
          if (!repeatable && !isUnsent(outcome.error)) throw new CliError(`${endpoint} gave no answer (${messageOf(outcome.error)}); what was asked may or may not have happened: look before you repeat it`, EXIT.indeterminate);
          reasons.push(`${endpoint}: ${messageOf(outcome.error)}`);
          mayHaveHappened ||= hasEffect && !isUnsent(outcome.error);
        }
      }
      if (now() >= giveUpAt) throw gaveUp(timeoutMs, reasons, hasAnswer, mayHaveHappened);
      await new Promise((resolve) => setTimeout(resolve, Math.min(MAX_PAUSE_MS, 25 * round)));
    }
  }
}

function gaveUp(timeoutMs: number, reasons: readonly string[], hasAnswer: boolean, mayHaveHappened: boolean): CliError {
  const said = `no answer within ${timeoutMs / 1000} s:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`;
  if (mayHaveHappened) return new CliError(`${said}\nWhat was asked may or may not have happened: look before you repeat it.`, EXIT.indeterminate);
  return new CliError(hasAnswer ? said : `${said}\nIs a node running there? Give the HTTP address of any that runs with --endpoint.`, EXIT.unavailable);
}

async function outcomeOf(sent: Promise<HttpReply>): Promise<{ readonly reply: HttpReply } | { readonly error: unknown }> {
  try {
    return { reply: await sent };
  } catch (error) {
    return { error };
  }
}

/** What a refusal means at the command line. */
export function refusalError(reply: HttpReply): CliError {
  const { code, message, problems } = refusalOf(reply);
  const text = problems === undefined ? message : problems.join('\n  ');
  if (reply.status === 400) return new CliError(text, EXIT.usage);
  if (code === 'indeterminate') return new CliError(`${text}; look before you repeat it`, EXIT.indeterminate);
  return new CliError(text, reply.status === 503 || reply.status === 421 ? EXIT.unavailable : EXIT.failed);
}

function refusalOf(reply: HttpReply): Refusal {
  try {
    const { error } = JSON.parse(reply.body.toString()) as { error?: Refusal };
    if (typeof error?.message === 'string') return error;
  } catch {
    // Not JSON: the same as JSON that says something else.
  }
  return { code: 'unreadable', message: `the answer was ${reply.status}, and not one of rxraft` };
}

/** The members that an answer tells of; null when it is something else. */
function membersIn({ body }: HttpReply): MembersReport | null {
  try {
    const report = JSON.parse(body.toString()) as Partial<MembersReport> | null;
    return Array.isArray(report?.effective?.members) ? (report as MembersReport) : null;
  } catch {
    return null; // Some other service answers there.
  }
}

/** 503 says that nothing happened; 421, that a hint to the leader is out of date or leads nowhere. */
function isLater({ status }: HttpReply, repeatable: boolean): boolean {
  return status === 503 || status === 421 || (status === 504 && repeatable);
}

/** Whether the request never reached the server. */
function isUnsent(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'].includes(code);
}

function jsonCall(body: unknown): HttpCall {
  return { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
}
