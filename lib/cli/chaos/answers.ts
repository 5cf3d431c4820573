import type { HttpClient, HttpReply } from '../http-client.js';

/** What a client knows after a request. */
export type Answer<Reply = HttpReply> =
  | { readonly type: 'answered'; readonly reply: Reply }
  /** It had no effect and never will: that is promised. */
  | { readonly type: 'refused'; readonly why: string }
  /** It may have taken effect, or may do so yet. */
  | { readonly type: 'unknown'; readonly why: string };

/** Statuses that say what became of a request to `/kv`. */
const ANSWERS = new Set([200, 201, 204, 404, 412]);
/** Before a byte was sent. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Sends a request and says what is known afterwards. */
export async function ask(client: HttpClient, method: string, url: string, call: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {}): Promise<Answer> {
  try {
    return answerOf(await client.send(method, url, call));
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return NEVER_SENT.has(code) ? { type: 'refused', why: code } : { type: 'unknown', why: code === '' ? message : code };
  }
}

/** 503 always, and 504 unless it says `indeterminate`, promise that nothing happened. */
export function answerOf(reply: HttpReply): Answer {
  if (ANSWERS.has(reply.status)) return { type: 'answered', reply };
  const code = codeOf(reply);
  const why = `${reply.status} ${code}`;
  const isRefusal = reply.status === 503 || (reply.status === 504 && code === 'timeout');
  return { type: isRefusal ? 'refused' : 'unknown', why };
}

function codeOf({ body }: HttpReply): string {
  try {
    const { error } = JSON.parse(body.toString()) as { error?: { code?: string } };
    return error?.code ?? '';
  } catch {
    return '';
  }
}

/** The revision in an answer's ETag. */
export function revisionOf({ headers }: HttpReply): number {
  return Number(headers.etag?.replaceAll('"', ''));
}
