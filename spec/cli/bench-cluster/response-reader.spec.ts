import { ResponseReader } from '../../../lib/cli/bench/cluster/response-reader.js';

const CREATED = 'HTTP/1.1 201 Created\r\nDate: Sun, 22 Nov 2026 20:00:00 GMT\r\nContent-Length: 23\r\n\r\n{"key":"k","revision":}';
const GONE = 'HTTP/1.1 204 No Content\r\nETag: "7"\r\n\r\n';

describe('the reader of responses', () => {
  const push = (reader: ResponseReader, text: string): number | null => reader.push(Buffer.from(text, 'latin1'));

  it('takes a response in one piece, and the next one after it', () => {
    const reader = new ResponseReader();
    expect([push(reader, CREATED), push(reader, GONE), push(reader, CREATED)]).toEqual([201, 204, 201]);
  });

  it.each([CREATED, GONE])('takes a response in two pieces, wherever it is cut: %j', (response) => {
    const reader = new ResponseReader();
    for (let cut = 1; cut < response.length; cut += 1) {
      expect([cut, push(reader, response.slice(0, cut)), push(reader, response.slice(cut))]).toEqual([cut, null, Number(response.slice(9, 12))]);
    }
  });

  it('takes a response byte by byte', () => {
    const reader = new ResponseReader();
    const statuses = [...CREATED].map((byte) => push(reader, byte));
    expect(statuses.slice(0, -1).every((status) => status === null)).toBe(true);
    expect(statuses.at(-1)).toBe(201);
  });

  it('finds the length whatever the case of its name, and as the only header', () => {
    expect(push(new ResponseReader(), 'HTTP/1.1 503 Service Unavailable\r\ncontent-length:2\r\n\r\nno')).toBe(503);
    expect(push(new ResponseReader(), 'HTTP/1.1 200 OK\r\nX-Content-Length: 9\r\nContent-Length: 0\r\n\r\n')).toBe(200);
  });

  it.each([
    ['what is no response', 'SSH-2.0-OpenSSH\r\n\r\n', /not the beginning of a response/],
    ['a body of unknown length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /without a content-length/],
    ['more than one response to one request', `${GONE}x`, /1 bytes came after a response/],
    ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, /head is longer than/],
  ])('refuses %s', (_, response, problem) => {
    expect(() => push(new ResponseReader(), response)).toThrow(problem);
  });
});
