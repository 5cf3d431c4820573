import { KV_LIMITS, type Expectation } from '../kv/commands.js';
import { HttpProblem } from './problem.js';

/** A key's entity tag: its revision in quotes. */
export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/**
 * What the headers of a write expect of the key (RFC 9110 §13.1): `If-Match: "12"` or `*`, or
 * `If-None-Match: *`; undefined when they expect nothing.
 * @throws {HttpProblem} 400 when they can't be understood, 412 when no key could ever meet them.
 */
export function expectationOf(ifMatch: string | undefined, ifNoneMatch: string | undefined): Expectation | undefined {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) throw bad('give If-Match or If-None-Match, not both');
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') throw bad('a write takes If-None-Match only as *');
    return 'absent';
  }
  if (ifMatch === undefined) return undefined;
  if (ifMatch.trim() === '*') return 'present';
  const tags = tagsOf(ifMatch);
  if (tags.length > KV_LIMITS.maxExpectedRevisions) throw bad(`If-Match names more than ${KV_LIMITS.maxExpectedRevisions} revisions`);
  const revisions = tags.flatMap((tag) => (/^"[1-9]\d{0,14}"$/.test(tag) ? [Number(tag.slice(1, -1))] : []));
  if (revisions.length === 0) throw new HttpProblem(412, 'precondition_failed', 'no key has such an ETag; ETags here are revisions, such as "12"');
  return revisions;
}

/** Whether a read's `If-None-Match` says that the client has this revision already. */
export function isUnchanged(ifNoneMatch: string | undefined, revision: number): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || tagsOf(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etagOf(revision));
}

function tagsOf(list: string): string[] {
  const tags = list.split(',').map((tag) => tag.trim());
  if (!tags.every((tag) => /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag))) throw bad('an ETag is a text in double quotes, such as "12"');
  return tags;
}

function bad(message: string): HttpProblem {
  return new HttpProblem(400, 'bad_precondition', message);
}
