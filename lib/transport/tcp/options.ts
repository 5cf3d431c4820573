import { ConfigError, type ConfigProblem } from '../../ports/errors.js';
import { checkTls, readTls, type TlsSource } from './tls-options.js';

/** How a `TcpTransport` is set up. Everything but `listen` has a default that suits a few nodes in one region. */
export interface TcpTransportOptions {
  /** Where to listen, as `host:port` or `[ipv6]:port`. Port 0 takes a free one; `transport.address` tells which. */
  readonly listen: string;
  /** Encrypts and authenticates all connections; every node of the cluster needs it then. Without it whoever reaches the port is believed. */
  readonly tls?: TlsSource;
  /** The largest message that is sent or taken. Must exceed the largest proposal and be the same on every node. Default 64 MiB + 64 KiB. */
  readonly maxFrameBytes?: number;
  /** Bounds what waits for one peer, for each of the two lanes (at most 1 MiB for a node that is no peer); what comes on top is dropped and counted. A single larger message passes when nothing waits. Default 32 MiB. */
  readonly maxQueueBytes?: number;
  /** Bulk messages are given to a socket only while less than this waits in it, so that heartbeats overtake the rest. Default 256 KiB. */
  readonly maxSocketBytes?: number;
  /** After a failed connection the next one is tried after a random half to whole of this time, which doubles … Default 50. */
  readonly reconnectMinMs?: number;
  /** … up to this. Default 1000. */
  readonly reconnectMaxMs?: number;
  /** How long connecting and greeting may take, on either side; a TLS handshake on the accepting side as long again. Default 3000. */
  readonly handshakeTimeoutMs?: number;
  /** Every connection is pinged this often … Default 1000. */
  readonly pingIntervalMs?: number;
  /** … and closed after so many intervals in which nothing at all arrived. Default 3. */
  readonly maxSilentIntervals?: number;
  /** Bounds accepted connections. At the bound, one that has not said who it is, or is not from a peer, makes room for a new one. Default 256. */
  readonly maxConnections?: number;
}

/** The options, checked and with their defaults. */
export interface TcpSettings extends Required<Omit<TcpTransportOptions, 'listen' | 'tls'>> {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsSource | null;
}

export const DEFAULT_TCP_OPTIONS = Object.freeze({
  maxFrameBytes: (64 << 20) + (64 << 10),
  maxQueueBytes: 32 << 20,
  maxSocketBytes: 256 << 10,
  reconnectMinMs: 50,
  reconnectMaxMs: 1000,
  handshakeTimeoutMs: 3000,
  pingIntervalMs: 1000,
  maxSilentIntervals: 3,
  maxConnections: 256,
}) satisfies Required<Omit<TcpTransportOptions, 'listen' | 'tls'>>;

/** The least and the most of every number. */
const RANGES: Readonly<Record<keyof typeof DEFAULT_TCP_OPTIONS, readonly [number, number]>> = {
  maxFrameBytes: [1024, 1 << 30],
  maxQueueBytes: [1024, 2 ** 40],
  maxSocketBytes: [64 << 10, 1 << 30],
  reconnectMinMs: [1, 3_600_000],
  reconnectMaxMs: [1, 3_600_000],
  handshakeTimeoutMs: [1, 3_600_000],
  pingIntervalMs: [1, 3_600_000],
  maxSilentIntervals: [1, 1000],
  maxConnections: [1, 65_536],
};

/** Fills in the defaults. @throws {ConfigError} that lists every bad option. */
export function tcpSettings(options: TcpTransportOptions): TcpSettings {
  const problems: ConfigProblem[] = [];
  const address = parseAddress(options.listen);
  if (address === null) problems.push({ option: 'listen', value: options.listen, allowed: 'host:port or [ipv6]:port, port 0 to 65535' });
  const numbers: Record<keyof typeof DEFAULT_TCP_OPTIONS, number> = { ...DEFAULT_TCP_OPTIONS };
  for (const option of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const value = options[option];
    if (value === undefined) continue;
    const [least, most] = RANGES[option];
    if (Number.isInteger(value) && value >= least && value <= most) numbers[option] = value;
    else problems.push({ option, value, allowed: `a whole number from ${least} to ${most}` });
  }
  if (numbers.reconnectMaxMs < numbers.reconnectMinMs) {
    problems.push({ option: 'reconnectMaxMs', value: numbers.reconnectMaxMs, allowed: `at least reconnectMinMs, ${numbers.reconnectMinMs}` });
  }
  const { tls = null } = options;
  if (tls !== null) problems.push(...tlsProblems(tls));
  if (problems.length > 0 || address === null) throw new ConfigError(problems);
  return { ...numbers, ...address, tls };
}

function tlsProblems(source: TlsSource): ConfigProblem[] {
  try {
    checkTls(readTls(source));
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ option: 'tls', value: reason, allowed: 'ca, cert and key in PEM that belong together' }]; // the value itself holds a secret
  }
}

/** Splits `host:port`; null when it is not that. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? null : { host, port };
}

/** The inverse of `parseAddress`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
