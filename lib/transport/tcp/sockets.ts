import net from 'node:net';

/** How sockets are made: the one place that another kind of socket (TLS) has to take. */
export interface Sockets {
  /** A server that is not listening yet. `accept` gets every socket once it is ready for data. */
  createServer(accept: (socket: net.Socket) => void): net.Server;
  /** A socket on its way to a peer. `ready` is called once data may be written; failure comes as the socket's `error`. */
  connect(host: string, port: number, ready: () => void): net.Socket;
}

/** TCP, unencrypted. */
export const plainSockets: Sockets = Object.freeze({
  createServer: (accept: (socket: net.Socket) => void) => net.createServer({ noDelay: true }, accept),
  connect: (host: string, port: number, ready: () => void) => net.connect({ host, port, noDelay: true }, ready),
});
