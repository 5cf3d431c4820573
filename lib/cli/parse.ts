import { isValidId } from '../core/ids.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, `[v6]:port` or `:port` (loopback). @throws {Error} with a sentence. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`${JSON.stringify(text)} is no address; write host:port, such as 127.0.0.1:8101`);
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

/** Writes an address as `host:port`. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where one node of a new cluster is. */
export interface Peer {
  /** `host:port` for Raft. */
  readonly address: string;
  /** `host:port` of its HTTP service; null when nothing was said. */
  readonly http: string | null;
}

/** Reads `a=host:port/http-port,b=host:port/host:http-port,c=host:port,…`. @throws {Error} with a sentence. */
export function parsePeers(text: string): Record<string, Peer> {
  const peers: Record<string, Peer> = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const id = parseId(part.slice(0, Math.max(0, at)).trim());
    if (Object.hasOwn(peers, id)) throw new Error(`the node ${id} is named twice`);
    const [raft = '', ...http] = part.slice(at + 1).trim().split('/');
    const address = parseAddress(raft);
    if (address.port === 0) throw new Error(`the node ${id} has port 0; the others need to know where it is`);
    peers[id] = { address: addressText(address), http: http.length === 0 ? null : httpOf(http.join('/'), address.host) };
  }
  return peers;
}

/** A port alone is one of the same host. */
function httpOf(text: string, host: string): string {
  return parseKnownAddress(/^\d+$/.test(text) ? `${host.includes(':') ? `[${host}]` : host}:${text}` : text);
}

/** Reads `host:port,host:port,…`. @throws {Error} with a sentence. */
export function parseEndpoints(text: string): string[] {
  return text.split(',').map((part) => addressText(parseAddress(part.trim().replace(/^http:\/\//, '').replace(/\/$/, ''))));
}

/** Reads `host:port` of a place that others must find. @throws {Error} with a sentence. */
export function parseKnownAddress(text: string): string {
  const address = parseAddress(text);
  if (address.port === 0) throw new Error('port 0 names no place that others could find');
  return addressText(address);
}

/** @throws {Error} with a sentence when the text can't name a node or cluster. */
export function parseId(text: string): string {
  if (!isValidId(text)) throw new Error(`${JSON.stringify(text)} is no id; an id is 1–64 of A–Z a–z 0–9 . _ -, starting with a letter or a digit`);
  return text;
}

/** @throws {Error} with a sentence when the text is no integer from `min` to `max`. */
export function parseInteger(text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw new Error(`${JSON.stringify(text)} is not an integer from ${min} to ${max}`);
  return value;
}
