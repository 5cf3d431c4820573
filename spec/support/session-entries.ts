import { msgpackCodec } from '../../lib/codec/msgpack.js';
import type { SessionCommand, SessionResult } from '../../lib/node/sessions/commands.js';
import { withSessions, type SessionMachine, type SessionMachineOptions } from '../../lib/node/sessions/with-sessions.js';
import type { Committed, MachineNotice } from '../../lib/ports/state-machine.js';
import { ListMachine } from './list-machine.js';

export type WordCommand = SessionCommand<string>;
export type WordResult = SessionResult<number>;

/** A list of words with sessions, and what it has said so far. */
export class WordMachine {
  readonly list: ListMachine;
  readonly machine: SessionMachine<string, number, string, string[]>;
  readonly notices: MachineNotice[] = [];
  private index = 0;

  constructor(options: Partial<SessionMachineOptions<number>> = {}, list: ListMachine = new ListMachine()) {
    this.list = list;
    this.machine = withSessions(list, { resultCodec: msgpackCodec<number>(), ...options });
    this.machine.notices.subscribe((notice) => this.notices.push(notice));
  }

  get words(): string[] {
    return this.list.words;
  }

  /** Applies commands as the next entries, in one batch; term 1. */
  async apply(...commands: WordCommand[]): Promise<readonly WordResult[]> {
    return this.machine.apply(commands.map((command): Committed<WordCommand> => ({ index: ++this.index, term: 1, command })));
  }

  /** The same for one. */
  async one(command: WordCommand): Promise<WordResult | undefined> {
    return (await this.apply(command))[0];
  }

  async snapshot(): Promise<Uint8Array[]> {
    return collect(this.machine.snapshot());
  }

  /** Another machine with the same options that goes on from a snapshot of this one. */
  async restored(options: Partial<SessionMachineOptions<number>> = {}, chunks?: readonly Uint8Array[]): Promise<WordMachine> {
    const other = new WordMachine(options);
    await other.machine.reset();
    await other.machine.restore(streamOf(chunks ?? (await this.snapshot())));
    other.index = this.index;
    return other;
  }
}

export const open = (wallTime: number): WordCommand => ({ type: 'openSession', wallTime });
export const word = (session: number, sequence: number, command: string, wallTime = 0, ackedThrough = 0): WordCommand => ({ type: 'command', session, sequence, ackedThrough, wallTime, command });
export const keepAlive = (session: number, wallTime: number, ackedThrough = 0): WordCommand => ({ type: 'keepAlive', session, ackedThrough, wallTime });
export const close = (session: number, wallTime = 0): WordCommand => ({ type: 'closeSession', session, wallTime });
export const plain = (command: string): WordCommand => ({ type: 'plain', command });

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(new Uint8Array(chunk));
  return all;
}

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}
