import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** TLS options for a node or for `node:tls`, all of it PEM. */
export interface Issued {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface Subject {
  readonly name: string;
  /** Subject alternative names: URIs, and host names. */
  readonly uris?: readonly string[];
  readonly hosts?: readonly string[];
  readonly isAuthority?: boolean;
  readonly validFrom?: Date;
  readonly validUntil?: Date;
}

/**
 * An authority that signs certificates, made in memory: Node reads X.509 but can't write it. Ed25519 throughout,
 * DER by hand, after RFC 5280 and RFC 8410.
 */
export class Authority {
  readonly #keys = generateKeyPairSync('ed25519');
  readonly pem: string;

  constructor(readonly name: string) {
    this.pem = this.#certificate({ name, isAuthority: true }, this.#keys.publicKey);
  }

  /** The TLS options of the node: a fresh key, and a certificate that names it. */
  node(clusterId: string, ...nodeIds: readonly string[]): Issued {
    return this.issue({ name: nodeIds[0] ?? '', uris: nodeIds.map((id) => `rxraft://${clusterId}/${id}`) });
  }

  issue(subject: Subject): Issued {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return { ca: this.pem, cert: this.#certificate(subject, publicKey), key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
  }

  #certificate(subject: Subject, publicKey: KeyObject): string {
    const { validFrom = new Date(Date.now() - 3_600_000), validUntil = new Date(Date.now() + 3_600_000) } = subject;
    const signed = sequence(
      tagged(0xa0, integer(Buffer.of(2))), // version 3
      integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
      ED25519,
      nameOf(this.name),
      sequence(time(validFrom), time(validUntil)),
      nameOf(subject.name),
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions(subject))),
    );
    const der = sequence(signed, ED25519, bits(sign(null, signed, this.#keys.privateKey)));
    return `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

function extensions({ uris = [], hosts = [], isAuthority = false }: Subject): Buffer[] {
  const basic = sequence(oid(0x55, 0x1d, 0x13), TRUE, tagged(0x04, isAuthority ? sequence(TRUE) : sequence()));
  const names = [...uris.map((uri) => tagged(0x86, Buffer.from(uri))), ...hosts.map((host) => tagged(0x82, Buffer.from(host)))];
  return names.length === 0 ? [basic] : [basic, sequence(oid(0x55, 0x1d, 0x11), tagged(0x04, sequence(...names)))];
}

function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const length = body.length < 0x80 ? [body.length] : body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => tagged(0x30, ...contents);
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes);
const oid = (...bytes: readonly number[]): Buffer => tagged(0x06, Buffer.from(bytes));
const bits = (bytes: Buffer): Buffer => tagged(0x03, Buffer.of(0), bytes);
const time = (at: Date): Buffer => tagged(0x18, Buffer.from(at.toISOString().replaceAll(/[-:T]|\.\d+/g, ''))); // GeneralizedTime
const nameOf = (common: string): Buffer => sequence(tagged(0x31, sequence(oid(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from(common)))));

const TRUE = tagged(0x01, Buffer.of(0xff));
const ED25519 = sequence(oid(0x2b, 0x65, 0x70));
