import { transportSuite } from '../../lib/testing/transport-suite.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { TcpTransport } from '../../lib/transport/tcp.js';

describe('memory transport', () => {
  const cases = transportSuite(() => {
    const network = new MemoryNetwork();
    return { create: () => network.transport(), addressOf: (id) => id };
  });
  for (const { name, run } of cases) it(name, run);
});

describe('TCP transport', () => {
  const cases = transportSuite(() => ({
    create: () => new TcpTransport({ listen: '127.0.0.1:0', reconnectMinMs: 5, reconnectMaxMs: 20 }),
    addressOf: (_id: string, transport: TcpTransport) => transport.address ?? '',
  }));
  for (const { name, run } of cases) it(name, run, 20_000);
});
