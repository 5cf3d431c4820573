import type { HttpClient, HttpReply } from '../http-client.js';
import type { Member } from '../cluster/plan.js';

/** What became of one request. */
export type Outcome =
  | { readonly type: 'answered'; readonly reply: HttpReply }
  /** No answer, or one that says to try again; a write may have taken effect. `why` is a code: `ECONNREFUSED`, `504 timeout`. */
  | { readonly type: 'retry'; readonly why: string };

/** One node, as the check's clients see it. */
export interface Target {
  readonly id: string;
  put(key: string, value: string): Promise<Outcome>;
  get(key: string): Promise<Outcome>;
}

export function httpTarget(client: HttpClient, member: Member): Target {
  const url = (key: string): string => `${member.url}/kv/${encodeURIComponent(key)}`;
  return {
    id: member.id,
    put: (key, value) => outcomeOf(client.send('PUT', url(key), { body: value })),
    get: (key) => outcomeOf(client.send('GET', url(key))),
  };
}

async function outcomeOf(sent: Promise<HttpReply>): Promise<Outcome> {
  try {
    const reply = await sent;
    if (reply.status !== 503 && reply.status !== 504) return { type: 'answered', reply };
    const { error } = JSON.parse(reply.body.toString()) as { error: { code: string } };
    return { type: 'retry', why: `${reply.status} ${error.code}` };
  } catch (error) {
    return { type: 'retry', why: (error as { code?: string }).code ?? (error instanceof Error ? error.message : String(error)) };
  }
}

/** Counts of what was sent again, by the reason. */
export class Retries {
  readonly #counts = new Map<string, number>();

  note(why: string): void {
    this.#counts.set(why, (this.#counts.get(why) ?? 0) + 1);
  }

  /** `12 sent again (10 × ECONNREFUSED, 2 × 504 timeout)`. */
  get text(): string {
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const reasons = [...this.#counts].sort(([, a], [, b]) => b - a).map(([why, count]) => `${count} × ${why}`);
    return `${total} sent again${total === 0 ? '' : ` (${reasons.join(', ')})`}`;
  }
}

/** Waits a little longer after each failed attempt: 10 to 100 ms. */
export async function backOff(attempt: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.min(100, 10 * attempt)));
}
