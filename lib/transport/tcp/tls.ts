import net from 'node:net';
import tls from 'node:tls';
import type { NodeId } from '../../core/ids.js';
import type { TransportIdentity } from '../../ports/transport.js';
import { nameProblem, nodeUri } from './certificate.js';
import type { Admission, Sockets, Vouch } from './sockets.js';
import { checkTls, contextOptions, readTls, type TlsOptions, type TlsSource } from './tls-options.js';

/**
 * Mutual TLS. Who dials checks that the certificate is that of the peer it wanted; who is called checks that the
 * certificate is that of the node which the greeting claims to be from.
 */
export class TlsSockets implements Sockets {
  readonly isSecure = true;
  readonly #source: TlsSource;
  readonly #identity: TransportIdentity;
  readonly #handshakeTimeoutMs: number;
  /** Never listens: it is handed connections that have been accepted, so that they are counted before they cost anything. */
  readonly #server: tls.Server;
  /** Connections whose handshake goes on, by their far end: no two have the same at a time. */
  readonly #pending = new Map<string, (socket: tls.TLSSocket | null, reason: string) => void>();
  #options: TlsOptions;
  #context: tls.SecureContext;

  /** @throws {Error} when the certificate is not this node's. */
  constructor(source: TlsSource, identity: TransportIdentity, handshakeTimeoutMs: number) {
    this.#source = source;
    this.#identity = identity;
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#options = readTls(source);
    this.#context = this.#contextOf(this.#options);
    // What comes without a valid certificate is refused by `vouch`, with a reason that the other side gets to read.
    const verification = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: handshakeTimeoutMs };
    this.#server = tls
      .createServer({ ...contextOptions(this.#options), ...verification })
      .on('secureConnection', (socket) => {
        const settle = this.#pending.get(farEnd(socket));
        if (settle === undefined) socket.on('error', () => undefined).destroy();
        else settle(socket, '');
      })
      .on('tlsClientError', (error, socket) => {
        this.#pending.get(farEnd(socket))?.(null, this.#explain(error));
      });
  }

  admit(raw: net.Socket, admission: Admission): ((reason: string) => void) | null {
    const end = farEnd(raw);
    const settle = (socket: tls.TLSSocket | null, reason: string, isOurFault = false): void => {
      if (this.#pending.get(end) !== settle) return;
      this.#pending.delete(end);
      raw.off('close', onClose);
      if (socket !== null) {
        admission.ready(socket, this.#vouchFor(socket));
        return;
      }
      const isSilent = raw.bytesRead === 0 && !isOurFault;
      raw.destroy();
      admission.failed(reason, isSilent);
    };
    const onClose = (): void => {
      settle(null, 'closed during the TLS handshake');
    };
    raw.on('error', () => undefined).on('close', onClose); // what goes wrong with it shows in the TLS socket, or in its end
    this.#pending.set(end, settle);
    try {
      this.#refresh();
      this.#server.emit('connection', raw);
    } catch (error) {
      settle(null, messageOf(error), true);
    }
    return (reason) => {
      settle(null, reason);
    };
  }

  connect(host: string, port: number, peer: NodeId, ready: () => void): net.Socket {
    try {
      this.#refresh();
    } catch (error) {
      return new net.Socket().destroy(error instanceof Error ? error : new Error(String(error)));
    }
    const uri = nodeUri(this.#identity.clusterId, peer);
    const checkServerIdentity = (_host: string, { subjectaltname }: tls.PeerCertificate): Error | undefined => {
      const problem = nameProblem(subjectaltname, uri);
      return problem === '' ? undefined : new Error(problem);
    };
    return tls.connect({ host, port, secureContext: this.#context, rejectUnauthorized: true, checkServerIdentity }, ready).setNoDelay(true);
  }

  #vouchFor(socket: tls.TLSSocket): Vouch {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return () => 'it shows no certificate';
    if (!socket.authorized) {
      const problem = String(socket.authorizationError).toLowerCase().replaceAll('_', ' ');
      return () => `the certificate is not accepted: ${problem}`;
    }
    return (claimed) => nameProblem(certificate.subjectAltName, nodeUri(this.#identity.clusterId, claimed));
  }

  /** Takes over new certificates, if there are any. What is wrong with them fails connections until it is mended. */
  #refresh(): void {
    const options = readTls(this.#source);
    if (options === this.#options) return;
    this.#context = this.#contextOf(options);
    this.#server.setSecureContext(contextOptions(options));
    this.#options = options;
  }

  #contextOf(options: TlsOptions): tls.SecureContext {
    const { clusterId, nodeId } = this.#identity;
    const problem = nameProblem(checkTls(options).subjectAltName, nodeUri(clusterId, nodeId));
    if (problem !== '') throw new Error(`the TLS options are not those of this node: ${problem}`);
    return tls.createSecureContext(contextOptions(options));
  }

  #explain(error: NodeJS.ErrnoException): string {
    switch (error.code) {
      case 'ERR_SSL_WRONG_VERSION_NUMBER':
      case 'ERR_SSL_HTTP_REQUEST':
        return 'a connection without TLS; this node requires it';
      case 'ERR_TLS_HANDSHAKE_TIMEOUT':
        return `no TLS handshake within ${this.#handshakeTimeoutMs} ms`;
      case 'ECONNRESET':
        return 'closed during the TLS handshake';
      default:
        return `the TLS handshake failed: ${(error.code ?? error.message).replace(/^ERR_SSL_/, '').toLowerCase().replaceAll('_', ' ')}`;
    }
  }
}

function farEnd({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
