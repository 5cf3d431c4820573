import { deserialize, serialize } from 'node:v8';
import type { RaftEventBody } from '../core/events.js';
import type { FrameReader, FrameWriter } from './frame.js';
import type { ApplyRun, EncodedValue, Message } from './messages.js';

const CONSISTENCIES = ['linearizable', 'lease', 'stale'] as const;

/** Kinds that cross by the thousand are packed field by field; the others are cloned. */
const KIND = { other: 0, propose: 1, read: 2, applied: 3, chunk: 4, events: 5, proposed: 6, readable: 7, apply: 8, check: 9, checked: 10, entry: 11, forwarded: 12 } as const;

export function pack(writer: FrameWriter, message: Message): void {
  switch (message.type) {
    case 'propose':
      begin(writer, KIND.propose, message.id, message.timeoutMs);
      writer.byte(message.isAbortable ? 1 : 0);
      return writer.data(message.payload);
    case 'read':
      begin(writer, KIND.read, message.id, message.timeoutMs, message.maxStalenessMs);
      writer.byte(message.isAbortable ? 1 : 0);
      return writer.byte(CONSISTENCIES.indexOf(message.consistency));
    case 'applied':
      begin(writer, KIND.applied, message.count, message.values?.length ?? -1);
      for (const value of message.values ?? []) packValue(writer, value);
      return;
    case 'chunk':
      begin(writer, KIND.chunk, message.stream);
      return writer.data(message.data);
    case 'events': {
      const text = JSON.stringify(message.events); // they are JSON-safe, and JSON is faster than a clone
      begin(writer, KIND.events, message.at, message.wallTime);
      return writer.text(text);
    }
    case 'proposed':
      return begin(writer, KIND.proposed, message.id, message.count, message.index, message.term);
    case 'forwarded':
      begin(writer, KIND.forwarded, message.id, message.index, message.term);
      return writer.data(message.value);
    case 'readable':
      return begin(writer, KIND.readable, message.id, message.freshAt);
    case 'apply':
      begin(writer, KIND.apply, message.runs.length);
      writer.byte(message.wantsValues ? 1 : 0);
      for (const run of message.runs) packRun(writer, run);
      return;
    case 'check':
      begin(writer, KIND.check, message.request);
      return writer.data(message.payload);
    case 'checked':
      begin(writer, KIND.checked, message.request);
      writer.byte(message.error === null ? 0 : 1);
      if (message.error !== null) writer.text(message.error);
      return;
    case 'entry':
      begin(writer, KIND.entry, message.id, message.index, message.term);
      return writer.data(message.payload);
    default: {
      const cloned = serialize(message); // may throw: nothing of it is in the frame then
      writer.byte(KIND.other);
      return writer.data(cloned);
    }
  }
}

export function unpack(reader: FrameReader): Message {
  const kind = reader.byte();
  switch (kind) {
    case KIND.propose:
      return { type: 'propose', id: reader.number(), timeoutMs: reader.number(), isAbortable: reader.byte() === 1, payload: reader.data() };
    case KIND.read:
      return {
        type: 'read',
        id: reader.number(),
        timeoutMs: reader.number(),
        maxStalenessMs: reader.number(),
        isAbortable: reader.byte() === 1,
        consistency: CONSISTENCIES[reader.byte()] ?? 'linearizable',
      };
    case KIND.applied:
      return { type: 'applied', count: reader.number(), values: unpackMany(reader, unpackValue) };
    case KIND.chunk:
      return { type: 'chunk', stream: reader.number(), data: reader.data() };
    case KIND.events:
      return { type: 'events', at: reader.number(), wallTime: reader.number(), events: JSON.parse(reader.text()) as RaftEventBody[] };
    case KIND.proposed:
      return { type: 'proposed', id: reader.number(), count: reader.number(), index: reader.number(), term: reader.number() };
    case KIND.forwarded:
      return { type: 'forwarded', id: reader.number(), index: reader.number(), term: reader.number(), value: reader.data() };
    case KIND.readable:
      return { type: 'readable', id: reader.number(), freshAt: reader.number() };
    case KIND.apply:
      return unpackApply(reader);
    case KIND.check:
      return { type: 'check', request: reader.number(), payload: reader.data() };
    case KIND.checked:
      return { type: 'checked', request: reader.number(), error: reader.byte() === 1 ? reader.text() : null };
    case KIND.entry:
      return { type: 'entry', id: reader.number(), index: reader.number(), term: reader.number(), payload: reader.data() };
    case KIND.other:
      return deserialize(reader.data()) as Message;
    default:
      throw new Error(`a frame holds a message of the unknown kind ${kind}`);
  }
}

function begin(writer: FrameWriter, kind: number, ...numbers: readonly number[]): void {
  writer.byte(kind);
  for (const number of numbers) writer.number(number);
}

function unpackApply(reader: FrameReader): Message {
  const count = reader.number();
  const wantsValues = reader.byte() === 1;
  const runs: ApplyRun[] = [];
  for (let i = 0; i < count; i += 1) runs.push(unpackRun(reader));
  return { type: 'apply', runs, wantsValues };
}

function packRun(writer: FrameWriter, run: ApplyRun): void {
  writer.byte('command' in run ? 0 : 1);
  writer.number(run.index);
  writer.number(run.term);
  if ('command' in run) return writer.data(run.command);
  writer.number(run.id);
  writer.number(run.count);
}

function unpackRun(reader: FrameReader): ApplyRun {
  const isById = reader.byte() === 1;
  const index = reader.number();
  const term = reader.number();
  return isById ? { index, term, id: reader.number(), count: reader.number() } : { index, term, command: reader.data() };
}

function packValue(writer: FrameWriter, value: EncodedValue): void {
  writer.byte(typeof value === 'string' ? 1 : 0);
  if (typeof value === 'string') writer.text(value);
  else writer.data(value);
}

function unpackValue(reader: FrameReader): EncodedValue {
  return reader.byte() === 1 ? reader.text() : reader.data();
}

function unpackMany<T>(reader: FrameReader, unpackOne: (reader: FrameReader) => T): readonly T[] | null {
  const count = reader.number();
  if (count < 0) return null;
  return Array.from({ length: count }, () => unpackOne(reader));
}
