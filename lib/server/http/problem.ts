import type { ServerResponse } from 'node:http';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../ports/errors.js';

const RETRY_SOON = { 'Retry-After': '1' } as const;

/** A refusal that a client is told: an HTTP status, a code for programs and a sentence for people. */
export class HttpProblem extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 405 | 408 | 409 | 412 | 413 | 414 | 415 | 421 | 429 | 431 | 500 | 503 | 504,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    /** What else the body says, beside code and message. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'HttpProblem';
  }

  /** The body of every refusal: `{"error":{"code","message",…}}`. */
  get body(): string {
    return `${JSON.stringify({ error: { code: this.code, message: this.message, ...this.details } })}\n`;
  }
}

/**
 * What a client is told about an error. `indeterminate` is kept apart from every other outcome: it alone says
 * that the write may still take effect.
 */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof ProposalIndeterminateError) return new HttpProblem(504, 'indeterminate', error.message);
  if (error instanceof ProposalRejectedError) return new HttpProblem(503, 'rejected', error.message, RETRY_SOON);
  if (error instanceof OverloadedError) return new HttpProblem(503, 'overloaded', error.message, RETRY_SOON);
  if (error instanceof NotLeaderError) return new HttpProblem(503, 'no_leader', error.message, RETRY_SOON);
  if (error instanceof TimeoutError) return new HttpProblem(504, 'timeout', error.message, RETRY_SOON);
  if (error instanceof StoppedError) return new HttpProblem(503, 'not_running', error.message, RETRY_SOON);
  return new HttpProblem(500, 'internal', 'the node could not answer; its log says why');
}

/** Answers on a plain Node response. */
export function sendProblem(outgoing: ServerResponse, problem: HttpProblem): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  outgoing.writeHead(problem.status, { ...problem.headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(problem.body) });
  outgoing.end(problem.body);
}

/** The bytes of a whole answer, for a socket on which no request could be read. */
export function rawProblem(problem: HttpProblem): string {
  const reason = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[problem.status as number] ?? 'Error';
  return `HTTP/1.1 ${problem.status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(problem.body)}\r\n\r\n${problem.body}`;
}
