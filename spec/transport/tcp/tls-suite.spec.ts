import { transportSuite } from '../../../lib/testing/transport-suite.js';
import { TcpTransport } from '../../../lib/transport/tcp.js';
import { Authority } from '../../support/certificates.js';

describe('TCP transport with TLS', () => {
  const authority = new Authority('the cluster');
  const cases = transportSuite(() => ({
    create: (id: string) =>
      new TcpTransport({ listen: '127.0.0.1:0', reconnectMinMs: 5, reconnectMaxMs: 20, tls: authority.node(id === 'stranger' ? 'another' : 'suite', id) }),
    addressOf: (_id: string, transport: TcpTransport) => transport.address ?? '',
  }));
  for (const { name, run } of cases) it(name, run, 20_000);
});
