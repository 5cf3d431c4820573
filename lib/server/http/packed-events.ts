import type { EventBodies, EventOf, EventType, RaftEvent, RaftEventBody } from '../../core/events.js';
import type { LogId } from '../../core/ids.js';
import { stamped, type BusyKind, type EventSource } from '../../node/reporting/stamp.js';

/** The most numbers of an event: its kind, three of its envelope, five of its own. */
const WIDTH = 9;

/**
 * The newest events of a run, each in the place of the one that is `capacity` older. What every proposal makes a node say is kept
 * as numbers: thousands of such events kept as objects live just long enough to be copied twice by the collector of young
 * objects, and leave its old ones to be marked; they were three quarters of what a leader's collections copied.
 */
export class PackedEvents {
  readonly #numbers: Numbers;
  /** The word of an event that is packed; every other event itself. */
  readonly #rest: (string | RaftEvent)[] = [];

  constructor(readonly capacity: number) {
    this.#numbers = new Numbers(new Float64Array(capacity * WIDTH));
  }

  add(event: RaftEvent): void {
    const slot = event.seq % this.capacity;
    const kind = KIND_OF.get(event.type);
    if (kind === undefined) {
      this.#rest[slot] = event;
      return;
    }
    this.#numbers.seek(slot * WIDTH).put(kind).put(event.at).put(event.wallTime).put(event.term);
    this.#rest[slot] = packingOf(kind).pack(event, this.#numbers);
  }

  /** The kind of the event with this number, which must be among the newest. */
  typeOf(seq: number): EventType {
    const rest = this.#rest[seq % this.capacity];
    return typeof rest === 'object' ? rest.type : kindOf(this.#seek(seq).take());
  }

  /** The event with this number, which must be among the newest, of this node and run. */
  get(seq: number, source: EventSource): RaftEvent {
    const rest = this.#rest[seq % this.capacity];
    if (typeof rest === 'object') return rest;
    const numbers = this.#seek(seq);
    const kind = numbers.take();
    const at = numbers.take();
    const wallTime = numbers.take();
    const body = { type: kindOf(kind), term: numbers.take(), ...packingOf(kind).unpack(numbers, rest ?? '') } as RaftEventBody;
    return stamped(body, source, seq, at, wallTime);
  }

  #seek(seq: number): Numbers {
    return this.#numbers.seek((seq % this.capacity) * WIDTH);
  }
}

/** Numbers in a row, written and read in the same order. */
class Numbers {
  #next = 0;

  constructor(readonly all: Float64Array) {}

  seek(position: number): this {
    this.#next = position;
    return this;
  }

  put(value: number): this {
    this.all[this.#next++] = value;
    return this;
  }

  putLogId({ index, term }: LogId): this {
    return this.put(index).put(term);
  }

  take(): number {
    return this.all[this.#next++] as number; // every reader takes what was put
  }

  takeLogId(): LogId {
    return { index: this.take(), term: this.take() };
  }
}

/** How the own fields of one kind become numbers, and one word where there is one, and fields again. */
interface Packing<K extends EventType> {
  readonly pack: (event: EventOf<K>, to: Numbers) => string;
  readonly unpack: (from: Numbers, word: string) => EventBodies[K];
}

const PACKINGS: { readonly [K in BusyKind]: Packing<K> } = {
  LatestLog: {
    pack: ({ logId, first, count, bytes, origin }, to) => (to.putLogId(logId).put(first).put(count).put(bytes), origin),
    unpack: (from, word) => ({
      logId: from.takeLogId(), first: from.take(), count: from.take(), bytes: from.take(), origin: word as EventBodies['LatestLog']['origin'],
    }),
  },
  EntriesPersisted: {
    pack: ({ through, ioMs }, to) => (to.putLogId(through).put(ioMs), ''),
    unpack: (from) => ({ through: from.takeLogId(), ioMs: from.take() }),
  },
  CommitAdvanced: {
    pack: ({ from, to: committed }, to) => (to.put(from).putLogId(committed), ''),
    unpack: (from) => ({ from: from.take(), to: from.takeLogId() }),
  },
  EntriesApplied: {
    pack: ({ from, to: applied, applyMs }, to) => (to.put(from).putLogId(applied).put(applyMs), ''),
    unpack: (from) => ({ from: from.take(), to: from.takeLogId(), applyMs: from.take() }),
  },
  ReplicationProgressed: {
    pack: ({ peer, matched, next, inFlight }, to) => (to.put(matched).put(next).put(inFlight), peer),
    unpack: (from, word) => ({ peer: word, matched: from.take(), next: from.take(), inFlight: from.take() }),
  },
  ProposalsAccepted: {
    pack: ({ count, first }, to) => (to.put(count).put(first), ''),
    unpack: (from) => ({ count: from.take(), first: from.take() }),
  },
  ProposalsCommitted: {
    pack: ({ count, commitMs }, to) => (to.put(count).put(commitMs), ''),
    unpack: (from) => ({ count: from.take(), commitMs: from.take() }),
  },
};

const KINDS = Object.keys(PACKINGS) as BusyKind[];
const KIND_OF: ReadonlyMap<string, number> = new Map(KINDS.map((kind, number) => [kind, number]));
const BY_NUMBER = KINDS.map((kind) => PACKINGS[kind]) as Packing<EventType>[];

function kindOf(number: number): BusyKind {
  return KINDS[number] as BusyKind; // `add` wrote it
}

function packingOf(number: number): Packing<EventType> {
  return BY_NUMBER[number] as Packing<EventType>;
}
