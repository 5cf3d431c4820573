import { ConfigError } from '../../../lib/ports/errors.js';
import { formatAddress, parseAddress } from '../../../lib/transport/tcp/options.js';
import { DEFAULT_TCP_OPTIONS, TcpTransport } from '../../../lib/transport/tcp.js';

describe('TCP options', () => {
  it.each([
    ['localhost:7000', { host: 'localhost', port: 7000 }],
    ['10.0.0.1:0', { host: '10.0.0.1', port: 0 }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
    ['node-1.example.org:1', { host: 'node-1.example.org', port: 1 }],
    ['localhost', null], [':7000', null], ['::1:7000', null], ['a:65536', null], ['a:7x', null], ['', null], ['a b:1', null], ['[]:1', null],
  ])('the address %j is %j', (text, parsed) => {
    expect(parseAddress(text)).toEqual(parsed);
    if (parsed !== null) expect(formatAddress(parsed.host, parsed.port)).toBe(text);
  });

  it('lists every problem at once', () => {
    const wrong = (): TcpTransport => new TcpTransport({ listen: 'nowhere', maxConnections: 0, pingIntervalMs: 1.5, reconnectMinMs: 500, reconnectMaxMs: 100 });
    expect(wrong).toThrow(ConfigError);
    for (const option of ['listen is "nowhere"', 'maxConnections is 0', 'pingIntervalMs is 1.5', 'reconnectMaxMs is 100']) expect(wrong).toThrow(option);
  });

  it('leave room in a frame for the largest proposal of the default core options', () => {
    expect(DEFAULT_TCP_OPTIONS.maxFrameBytes).toBeGreaterThan(64 << 20);
  });
});
