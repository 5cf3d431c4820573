import { ConfigError, type ConfigProblem } from '../../ports/errors.js';
import { KV_LIMITS } from '../kv/commands.js';

/** Every bound of the HTTP service. What a client can make the server hold or wait for is limited by one of them. */
export interface HttpLimits {
  /** Largest value that a PUT may carry. Default and maximum: 1 MiB, the store's own bound. */
  readonly maxBodyBytes: number;
  /** Largest body of an administrative request. Default 64 KiB. */
  readonly maxAdminBodyBytes: number;
  /** Path and query together. Default 8192. */
  readonly maxUrlBytes: number;
  /** Requests in progress at once. Default 1024. */
  readonly maxInFlight: number;
  /** Checksums of the whole store under way at once. Default 4. */
  readonly maxChecksums: number;
  /** Request bodies held at once. Default 64 MiB. */
  readonly maxBufferedBytes: number;
  /** Sockets open at once; more are closed on arrival. Default 1024. */
  readonly maxConnections: number;
  /** Event streams open at once. Default 32. */
  readonly maxEventStreams: number;
  /** Events kept for streams that lag or resume. Default 16384. */
  readonly maxBufferedEvents: number;
  /** From a connection's first byte to the end of the request's headers. Default 10 s. */
  readonly headersTimeoutMs: number;
  /** From the end of the headers to the end of the body. Default 10 s. */
  readonly bodyTimeoutMs: number;
  /** How long the node may take for one command or read. Default 10 s. */
  readonly callTimeoutMs: number;
  /** How long a connection may idle between requests. Default 30 s. */
  readonly keepAliveTimeoutMs: number;
  /** How often an idle event stream is sent a comment. Default 15 s. */
  readonly heartbeatMs: number;
  /** An event stream whose client takes no byte for so long is closed. Default 30 s. */
  readonly streamStallMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = Object.freeze({
  maxBodyBytes: KV_LIMITS.maxValueBytes,
  maxAdminBodyBytes: 64 * 1024,
  maxUrlBytes: 8192,
  maxInFlight: 1024,
  maxChecksums: 4,
  maxBufferedBytes: 64 * 1024 * 1024,
  maxConnections: 1024,
  maxEventStreams: 32,
  maxBufferedEvents: 16_384,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  callTimeoutMs: 10_000,
  keepAliveTimeoutMs: 30_000,
  heartbeatMs: 15_000,
  streamStallMs: 30_000,
});

/** The largest value of a limit; 2^31 − 1 is also the longest timer that Node has. */
const CEILINGS: Partial<HttpLimits> = { maxBodyBytes: KV_LIMITS.maxValueBytes, maxUrlBytes: 15_360 };
const CEILING = 2 ** 31 - 1;

/** Fills in the defaults. @throws {ConfigError} that lists every limit that is no positive integer within its range. */
export function httpLimits(given: Partial<HttpLimits> = {}): HttpLimits {
  const limits: HttpLimits = { ...DEFAULT_HTTP_LIMITS, ...given };
  const problems: ConfigProblem[] = [];
  for (const name of Object.keys(DEFAULT_HTTP_LIMITS) as (keyof HttpLimits)[]) {
    const ceiling = CEILINGS[name] ?? CEILING;
    const value = limits[name];
    if (!Number.isInteger(value) || value < 1 || value > ceiling) problems.push({ option: name, value, allowed: `an integer from 1 to ${ceiling}` });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return limits;
}
