import fc from 'fast-check';
import { SseParser, type SseMessage } from '../../lib/cli/sse-parser.js';

describe('SseParser', () => {
  it.each<[string, string, Partial<SseMessage>[]]>([
    ['a message with all fields', 'id: 7\nevent: NewLeader\ndata: {"a":1}\n\n', [{ id: '7', event: 'NewLeader', data: '{"a":1}' }]],
    ['several data lines are joined by line feeds', 'data: a\ndata\ndata: b\n\n', [{ data: 'a\n\nb', event: 'message' }]],
    ['one space after the colon is left out, a second is not', 'data:a\n\ndata:  b\n\n', [{ data: 'a' }, { data: ' b' }]],
    ['a comment is nothing', ': heartbeat\n\n', []],
    ['an id alone is no message', 'id: 7\n\n', []],
    ['an id lasts until the next', 'id: 7\ndata: a\n\ndata: b\n\n', [{ id: '7', data: 'a' }, { id: '7', data: 'b' }]],
    ['a kind lasts for its message only', 'event: x\ndata: a\n\ndata: b\n\n', [{ event: 'x' }, { event: 'message' }]],
    ['a kind without data is dropped', 'event: x\n\ndata: b\n\n', [{ event: 'message', data: 'b' }]],
    ['an id with NUL is ignored', 'id: a\0b\ndata: x\n\n', [{ id: '', data: 'x' }]],
    ['an unknown field is ignored', 'colour: red\ndata: x\n\n', [{ data: 'x' }]],
    ['CRLF ends lines', 'data: a\r\n\r\ndata: b\r\n\r\n', [{ data: 'a' }, { data: 'b' }]],
    ['CR ends lines', 'data: a\r\rdata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
    ['a byte order mark is skipped', '\ufeffdata: a\n\n', [{ data: 'a' }]],
    ['an unfinished message is not given', 'data: a\n', []],
    ['colons belong to the value', 'data: a: b:c\n\n', [{ data: 'a: b:c' }]],
  ])('%s', (_, text, messages) => {
    expect(new SseParser().push(text)).toEqual(messages.map((m) => expect.objectContaining(m) as SseMessage));
  });

  it('gives the same messages however the text is cut', () => {
    const text = '\ufeff: hi\r\nid: 1\r\nevent: x\r\ndata: ä€😀\r\n\r\nretry: 250\rdata: two\rdata: lines\r\rid: 3\ndata: three\n\n';
    const whole = new SseParser().push(text);
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), (sizes) => {
        const parser = new SseParser();
        const messages: SseMessage[] = [];
        for (let at = 0, i = 0; at < text.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          messages.push(...parser.push(text.slice(at, at + size)));
          at += size;
        }
        expect(messages).toEqual(whole);
        expect([parser.lastEventId, parser.retryMs]).toEqual(['3', 250]);
      }),
    );
  });

  it('an id counts only once its block has ended', () => {
    const parser = new SseParser('1');
    parser.push('id: 2\ndata: x\n');
    expect(parser.lastEventId).toBe('1');
    parser.push('\n');
    expect(parser.lastEventId).toBe('2');
  });

  it('a message without end is refused before it fills the memory', () => {
    const parser = new SseParser();
    const flood = (): void => {
      for (let i = 0; i < 100; i += 1) parser.push('x'.repeat(65_536));
    };
    expect(flood).toThrow('larger than');
    const lines = new SseParser();
    expect(() => {
      for (let i = 0; i < 100; i += 1) lines.push(`data: ${'x'.repeat(65_536)}\n`);
    }).toThrow('larger than');
  });
});
