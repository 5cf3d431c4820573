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

/** Reads `a=host:port,b=host:port,…`. @throws {Error} with a sentence. */
export function parsePeers(text: string): Record<string, string> {
  const peers: Record<string, string> = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const id = parseId(part.slice(0, Math.max(0, at)).trim());
    if (Object.hasOwn(peers, id)) throw new Error(`the node ${id} is named twice`);
    const address = parseAddress(part.slice(at + 1).trim());
    if (address.port === 0) throw new Error(`the node ${id} has port 0; the others need to know where it is`);
    peers[id] = addressText(address);
  }
  return peers;
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
