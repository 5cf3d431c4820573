import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Contents in PEM, not paths. */
export type Pem = string | Buffer;

/** With these a node speaks TLS 1.3 to its peers and to nobody else; either side shows a certificate. */
export interface TlsOptions {
  /** The certificate of the authority that signs the nodes' certificates; several while one replaces another. No other authority is trusted, the system's neither. */
  readonly ca: Pem | readonly Pem[];
  /** This node's certificate, signed by the authority, with the URI `rxraft://<clusterId>/<nodeId>` among its subject alternative names; intermediate certificates follow it. */
  readonly cert: Pem;
  /** The certificate's private key. */
  readonly key: Pem;
  /** Decrypts the key. */
  readonly passphrase?: string;
}

/** A function is asked before every new connection; a new object replaces the certificates without a restart. */
export type TlsSource = TlsOptions | (() => TlsOptions);

export function readTls(source: TlsSource): TlsOptions {
  return typeof source === 'function' ? source() : source;
}

/** What `node:tls` is given: version 1.3 alone, which has no renegotiation, and no tickets, so that every connection proves itself anew. */
export function contextOptions({ ca, cert, key, passphrase }: TlsOptions): SecureContextOptions {
  return {
    ca: authorities(ca),
    cert,
    key,
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

/**
 * Checks that the parts are there and belong together. Returns the node's own certificate.
 * @throws {Error} that says what is wrong, without any of the key.
 */
export function checkTls(options: TlsOptions): X509Certificate {
  const list = authorities(options.ca);
  if (list.length === 0) throw new Error('ca is missing');
  for (const each of list) certificateIn('ca', each);
  const own = certificateIn('cert', options.cert);
  if (own.ca) throw new Error('cert is that of an authority (CA:TRUE): whoever had its key could sign for every node');
  try {
    createSecureContext(contextOptions(options));
  } catch (error) {
    throw new Error(`key does not fit cert: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return own;
}

function authorities(ca: TlsOptions['ca']): Pem[] {
  return typeof ca === 'string' || Buffer.isBuffer(ca) ? [ca] : [...ca];
}

/** The first certificate of a text. `node:tls` skips a text that holds none. */
function certificateIn(name: string, pem: Pem): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${name} is no certificate in PEM`, { cause: error });
  }
}
