import { ABORTED, ErrorsAcross } from '../../lib/isolate/errors-across.js';
import { ConfigError, CorruptLogError, FatalError, MembershipChangeError, NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, RaftError, StorageError, StoppedError, TimeoutError, TransferError } from '../../lib/ports/errors.js';
import { configurationOf } from '../../lib/core/configuration.js';

describe('errors between the threads', () => {
  const there = new ErrorsAcross(false);
  const here = new ErrorsAcross(true);
  const across = (error: unknown): unknown => here.revive(structuredClone(there.encode(error)));

  it.each([
    new NotLeaderError('b', 'b:1'),
    new ProposalIndeterminateError('timeout'),
    new ProposalRejectedError('no'),
    new OverloadedError('maxPendingReads', 3),
    new TimeoutError('read', 5),
    new StoppedError('stopping'),
    new StorageError('append', 'no room', { cause: new TypeError('inner') }),
    new CorruptLogError('block', 7, 'checksum'),
    new ConfigError([{ option: 'x', value: 1, allowed: 'none' }]),
    new MembershipChangeError('late', configurationOf({ a: 'a:1' }), 'indeterminate'),
    new TransferError('aborted', 'why'),
    new FatalError('append', { cause: new StorageError('append', 'poisoned') }),
    new RangeError('out of it'),
  ])('arrive as what they are: %p', (error) => {
    const arrived = across(error) as Error;
    expect(arrived).toBeInstanceOf(error.constructor);
    expect(arrived instanceof RaftError).toBe(error instanceof RaftError);
    expect({ ...arrived, message: arrived.message, name: arrived.name, stack: arrived.stack, cause: arrived.cause }).toEqual({ ...error, message: error.message, name: error.name, stack: error.stack, cause: error.cause });
    if (error.cause instanceof Error) expect(arrived.cause).toBeInstanceOf(error.cause.constructor);
  });

  it('of the system keep their code; what can\'t be cloned crosses as text', () => {
    const error = Object.assign(new Error('listen'), { code: 'EADDRINUSE', port: 7, callback: () => 1, holder: { inner: () => 1 } });
    expect(across(error)).toMatchObject({ message: 'listen', code: 'EADDRINUSE', port: 7, holder: '[object Object]' });
    class OwnError extends Error {
      override name = 'OwnError';
    }
    expect(across(new OwnError('x'))).toMatchObject({ name: 'OwnError', message: 'x' });
    expect(across('a text')).toMatchObject({ message: 'a text' });
  });

  it('of the application come back to it as the very same things, inside others too', () => {
    for (const thrown of [new Error('mine'), 'a text', { odd: true }, undefined]) {
      const seenThere = there.revive(structuredClone(here.encode(thrown)));
      expect(across(seenThere)).toBe(thrown);
      expect((across(new FatalError('apply', { cause: seenThere })) as Error).cause).toBe(thrown);
    }
  });

  it('of aborted calls become the reason of the signal', () => {
    const reason = { any: 'thing' };
    expect(here.revive(structuredClone(there.encode(ABORTED)), reason)).toBe(reason);
    expect(here.revive(structuredClone(there.encode(new ProposalIndeterminateError('aborted', { cause: ABORTED }))), reason)).toMatchObject({ reason: 'aborted', cause: reason });
  });

  it('that cause themselves, and those beyond the number that is kept, arrive as copies', () => {
    const circle = new Error('round');
    circle.cause = circle;
    expect(across(circle)).toMatchObject({ message: 'round', cause: { message: 'round' } });
    const first = new Error('first');
    const encoded = here.encode(first);
    for (let i = 0; i < 300; i += 1) here.encode(new Error('another'));
    expect(here.revive(encoded)).not.toBe(first);
    expect(here.revive(encoded)).toMatchObject({ message: 'first' });
  });
});
