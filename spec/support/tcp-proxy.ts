import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Stands between two nodes on loopback: counts what goes through, and can cut it. */
export class TcpProxy {
  /** Bytes from those who connect to whom they mean. */
  bytes = 0;
  /** Where to send it on, `host:port`; whoever connects before it is known is turned away. */
  target: string | null = null;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (client) => this.join(client));
  }

  static async started(): Promise<TcpProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection; what is on its way is lost. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }

  private join(client: Socket): void {
    this.keep(client);
    if (this.target === null) {
      client.destroy();
      return;
    }
    const [host = '', port = ''] = this.target.split(':');
    const server = connect(Number(port), host);
    this.keep(server);
    client.on('data', (chunk) => (this.bytes += chunk.length));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    client.pipe(server);
    server.pipe(client);
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => this.sockets.delete(socket));
  }
}
