import type { Input } from '../../core/inputs.js';
import type { RaftMessage } from '../../core/messages.js';
import type { ObservedTurn } from '../../node/turn-loop.js';
import { atText, Story } from './story.js';
import { StructuralHash } from './structural-hash.js';

interface TurnLine {
  readonly at: number;
  readonly number: number;
  readonly runId: string;
  readonly turn: ObservedTurn;
}

/** How many lines are kept for whoever has to read what led to a failure. */
const KEPT_LINES = 60;

/** Everything that happened in a run: hashed in full, the last lines kept and made readable when asked for. */
export class Transcript {
  readonly #hash = new StructuralHash();
  readonly #story = new Story();
  readonly #lines: (TurnLine | string)[] = [];
  #turns = 0;

  /** Turns of all nodes together. */
  get turns(): number {
    return this.#turns;
  }

  /** Names the whole run: equal for equal runs, on any machine. */
  get digest(): string {
    return this.#hash.digest;
  }

  /** Something that the simulation did or a client saw. */
  note(at: number, text: string): void {
    this.#hash.add(at);
    this.#hash.add(text);
    const line = `${atText(at)}  ── ${text}`;
    this.#keep(line);
    this.#story.note(line);
  }

  turn(at: number, runId: string, turn: ObservedTurn): void {
    this.#turns += 1;
    this.#hash.add(runId);
    this.#hash.add(turn.now);
    this.#hash.add(turn.inputs);
    this.#hash.add(turn.output);
    this.#hash.add(turn.events);
    this.#keep({ at, number: this.#turns, runId, turn });
    this.#story.turn(at, runId, turn.events);
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    return this.#lines.map((line) => (typeof line === 'string' ? line : textOf(line)));
  }

  /** From the beginning, without the messages. */
  get story(): readonly string[] {
    return this.#story.lines;
  }

  #keep(line: TurnLine | string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }
}

function textOf({ at, number, runId, turn }: TurnLine): string {
  const { inputs, output, events } = turn;
  const parts: string[] = [];
  if (inputs.length > 0) parts.push(`← ${inputs.map(inputText).join(', ')}`);
  if (output.write !== null) {
    const { id, hardState, truncateAfter, entries } = output.write;
    const what = [
      hardState === null ? '' : `term ${hardState.term} vote ${String(hardState.votedFor)}`,
      truncateAfter === null ? '' : `cut after ${truncateAfter}`,
      entries.length === 0 ? '' : rangeText(entries),
    ];
    parts.push(`write ${id} (${what.filter((text) => text !== '').join(', ')})`);
  }
  if (output.messages.length > 0) parts.push(`→ ${output.messages.map(({ to, message }) => `${to}: ${messageText(message)}`).join(', ')}`);
  if (events.length > 0) parts.push(`! ${events.map((event) => event.type).join(' ')}`);
  return `${atText(at)}  #${number} ${runId}  ${parts.join('  ')}`;
}

function inputText(input: Input): string {
  switch (input.type) {
    case 'message':
      return `${input.from}: ${messageText(input.message)}`;
    case 'propose':
      return `propose ${input.payloads.length}${input.isAwaitedElsewhere === true ? ', awaited elsewhere' : ''}`;
    case 'persisted':
      return `persisted ${input.writeId}`;
    case 'applied':
      return `applied ${input.through}`;
    case 'entriesRead':
      return `read for ${input.peer} ${rangeText(input.entries)}`;
    case 'connection':
      return `${input.peer} ${input.up ? 'up' : 'down'}`;
    default:
      return input.type;
  }
}

function messageText(message: RaftMessage): string {
  const term = `t${message.term}`;
  switch (message.type) {
    case 'preVoteRequest':
    case 'voteRequest':
      return `${message.type}(${term}, last ${message.lastLog.index}/${message.lastLog.term})`;
    case 'preVoteReply':
    case 'voteReply':
      return `${message.type}(${term}, ${message.granted ? 'yes' : 'no'})`;
    case 'append':
      return `append(${term} r${message.round}, after ${message.previous.index}/${message.previous.term}, ${rangeText(message.entries)}, commit ${message.commit})`;
    case 'appendReply':
      return `appendReply(${term} r${message.round}, ${message.matched})`;
    case 'appendRejected':
      return `appendRejected(${term} r${message.round}, ${message.rejected}, hint ${message.hint.index}/${message.hint.term})`;
    case 'heartbeat':
      return `heartbeat(${term} r${message.round}, commit ${message.commit})`;
    case 'heartbeatReply':
      return `heartbeatReply(${term} r${message.round})`;
    default:
      return `${message.type}(${term})`;
  }
}

function rangeText(entries: readonly { readonly index: number; readonly term: number }[]): string {
  const [first, last] = [entries[0], entries[entries.length - 1]];
  if (first === undefined || last === undefined) return 'no entries';
  return first === last ? `${first.index}/${first.term}` : `${first.index}/${first.term}…${last.index}/${last.term}`;
}
