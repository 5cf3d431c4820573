import { isUtf8 } from 'node:buffer';

/** What bytes must keep to before they are unpacked. */
export interface MsgpackRules {
  /** How deep arrays and maps may nest; a bare value has depth 0. */
  readonly maxDepth: number;
  /** How many values there may be in all, map keys included: what bounds the memory that unpacking takes. */
  readonly maxValues: number;
  /** Whether maps, `undefined`, dates and 64-bit integers may occur, or only arrays, numbers, texts, bytes, booleans and null. */
  readonly allowRich: boolean;
}

/**
 * Checks that `bytes` is exactly one MessagePack value within the rules, without building anything and
 * without recursion. Whatever passes can be unpacked with bounded stack and memory, runs none of the
 * unpacker's extensions but dates and `undefined`, and holds no `__proto__` key.
 * @throws {Error} that says what is wrong and where.
 */
export function checkMsgpack(bytes: Uint8Array, rules: MsgpackRules): void {
  const end = bytes.length;
  const outer: number[] = []; // values still missing in each enclosing container, negative for a map
  let missing = 1; // the same for the innermost one
  let values = 0;
  let at = 0;
  for (;;) {
    while (missing === 0) {
      const enclosing = outer.pop();
      if (enclosing === undefined) {
        if (at !== end) throw malformed('trailing bytes', at);
        return;
      }
      missing = enclosing;
    }
    if (at >= end) throw malformed('truncated', at);
    const isKey = missing < 0 && (missing & 1) === 0;
    missing += missing < 0 ? 1 : -1;
    values += 1;
    if (values > rules.maxValues) throw malformed(`more than ${rules.maxValues} values`, at);

    const token = bytes[at] as number; // at < end
    if (isKey) {
      if (!isText(token)) throw malformed('map key that is not a text', at);
      const start = at + textHeader(token);
      at = textEnd(bytes, at, token);
      if (at - start === 9 && isProto(bytes, start)) throw malformed('key __proto__', start);
      continue;
    }
    if (token < 0x80 || token >= 0xe0) {
      at += 1;
    } else if (isText(token)) {
      at = textEnd(bytes, at, token);
    } else if (isContainer(token)) {
      const isMap = token < 0x90 || token >= 0xde;
      if (isMap && !rules.allowRich) throw malformed('map', at);
      if (outer.length >= rules.maxDepth) throw malformed(`nested deeper than ${rules.maxDepth}`, at);
      const count = token < 0xa0 ? token & 0x0f : length(bytes, at + 1, (token & 1) === 0 ? 2 : 4);
      at += token < 0xa0 ? 1 : (token & 1) === 0 ? 3 : 5;
      if (count * (isMap ? 2 : 1) > end - at) throw malformed('truncated', at);
      outer.push(missing);
      missing = isMap ? -2 * count : count;
    } else {
      at += scalarBytes(bytes, at, token, rules.allowRich);
    }
    if (at > end) throw malformed('truncated', end);
  }
}

function isText(token: number): boolean {
  return (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);
}

function isContainer(token: number): boolean {
  return (token >= 0x80 && token < 0xa0) || (token >= 0xdc && token <= 0xdf);
}

function textHeader(token: number): number {
  return token < 0xc0 ? 1 : token === 0xd9 ? 2 : token === 0xda ? 3 : 5;
}

/** Where a text ends. Only UTF-8 passes: what replaces anything else could differ from machine to machine. */
function textEnd(bytes: Uint8Array, at: number, token: number): number {
  const header = textHeader(token);
  const start = at + header;
  const end = start + (header === 1 ? token & 0x1f : length(bytes, at + 1, header - 1));
  if (end > bytes.length) throw malformed('truncated', bytes.length);
  if (end - start <= 32) {
    let index = start;
    while (index < end && (bytes[index] as number) < 0x80) index += 1; // short ASCII, the usual case, needs no call
    if (index === end) return end;
  }
  if (!isUtf8(bytes.subarray(start, end))) throw malformed('text that is not UTF-8', start);
  return end;
}

/** The size of a value that is no text and no container, by its first byte. */
function scalarBytes(bytes: Uint8Array, at: number, token: number, allowRich: boolean): number {
  switch (token) {
    case 0xc0: // null, false, true
    case 0xc2:
    case 0xc3:
      return 1;
    case 0xc4: // bytes
      return 2 + length(bytes, at + 1, 1);
    case 0xc5:
      return 3 + length(bytes, at + 1, 2);
    case 0xc6:
      return 5 + length(bytes, at + 1, 4);
    case 0xcc: // numbers
    case 0xd0:
      return 2;
    case 0xcd:
    case 0xd1:
      return 3;
    case 0xca:
    case 0xce:
    case 0xd2:
      return 5;
    case 0xcb:
      return 9;
    case 0xcf:
    case 0xd3:
      if (allowRich) return 9;
      break;
    case 0xd4: // the extension that stands for undefined
      if (allowRich && bytes[at + 1] === 0 && bytes[at + 2] === 0) return 3;
      break;
    case 0xd6: // dates of 4, 8 and 12 bytes
      if (allowRich && bytes[at + 1] === 0xff) return 6;
      break;
    case 0xd7:
      if (allowRich && bytes[at + 1] === 0xff) return 10;
      break;
    case 0xc7:
      if (allowRich && bytes[at + 1] === 12 && bytes[at + 2] === 0xff) return 15;
      break;
  }
  throw malformed(`type 0x${token.toString(16)} that is not allowed`, at);
}

function length(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw malformed('truncated', bytes.length);
  let value = 0;
  for (let index = at; index < at + width; index += 1) value = value * 256 + (bytes[index] as number); // in bounds, checked above
  return value;
}

function isProto(bytes: Uint8Array, start: number): boolean {
  const name = '__proto__';
  for (let index = 0; index < name.length; index += 1) if (bytes[start + index] !== name.charCodeAt(index)) return false;
  return true;
}

function malformed(what: string, at: number): Error {
  return new Error(`not a valid MessagePack value: ${what} at byte ${at}`);
}
