import { Interruption } from '../../lib/node/interruption.js';

describe('an interruption', () => {
  test('calls every listener once, with its reason in place', () => {
    const interruption = new Interruption();
    const heard: unknown[] = [];
    interruption.addEventListener('abort', () => heard.push(interruption.reason));
    interruption.addEventListener('abort', () => heard.push(interruption.aborted));
    interruption.abort('first');
    interruption.abort('second');
    expect(heard).toEqual(['first', true]);
    expect(interruption.reason).toBe('first');
  });

  test('does not call who no longer listens, nor who leaves meanwhile', () => {
    const interruption = new Interruption();
    const heard: string[] = [];
    const gone = (): void => void heard.push('gone');
    const last = (): void => void heard.push('last');
    interruption.addEventListener('abort', gone);
    interruption.addEventListener('abort', () => interruption.removeEventListener('abort', last));
    interruption.addEventListener('abort', last);
    interruption.addEventListener('abort', () => heard.push('stayed'));
    interruption.removeEventListener('abort', gone);
    interruption.removeEventListener('abort', gone); // as often as one likes
    interruption.abort('now');
    expect(heard).toEqual(['stayed']);
  });

  test('tells the rest although one throws, and lets the process know', () => {
    const interruption = new Interruption();
    const later = jest.spyOn(process, 'nextTick').mockReturnValue(undefined);
    const mistake = new Error('a mistake of a listener');
    const heard: string[] = [];
    interruption.addEventListener('abort', () => {
      throw mistake;
    });
    interruption.addEventListener('abort', () => heard.push('the next one'));
    interruption.abort('now');
    const thrown = later.mock.calls.map(([callback]) => callback);
    later.mockRestore();
    expect(heard).toEqual(['the next one']);
    expect(thrown).toHaveLength(1);
    expect(thrown[0]).toThrow(mistake);
  });

  test('throws its reason once it is aborted, whatever that is', () => {
    const interruption = new Interruption();
    expect(() => interruption.throwIfAborted()).not.toThrow();
    const reason = new Error('enough');
    interruption.abort(reason);
    expect(() => interruption.throwIfAborted()).toThrow(reason);
  });
});
