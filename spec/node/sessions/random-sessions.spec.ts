import fc from 'fast-check';
import type { SessionMachineOptions } from '../../../lib/node/sessions/with-sessions.js';
import { close, keepAlive, open, plain, word, WordMachine, type WordCommand } from '../../support/session-entries.js';

const LIMITS: Partial<SessionMachineOptions<number>> = { sessionTimeoutMs: 100, maxSessions: 3, maxResultsPerSession: 4 };

/** What is said to the machine: the log's commands, in batches, and what befalls the node that applies them. */
type Step =
  | { readonly kind: 'open' | 'plain' | 'batchEnds' | 'restored' }
  | { readonly kind: 'command' | 'keepAlive' | 'close'; readonly session: number; readonly sequence: number; readonly acked: number }
  | { readonly kind: 'time'; readonly ms: number };

const number = (max: number) => fc.integer({ min: 0, max });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'open' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'plain' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'batchEnds' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restored' }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('command' as const), session: number(4), sequence: fc.integer({ min: 1, max: 7 }), acked: number(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('keepAlive' as const, 'close' as const), session: number(4), sequence: fc.constant(1), acked: number(4) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: -60, max: 90 }) }) },
);

/** The thesis's words as plainly as can be: a list of sessions, searched from end to end; nothing is ever copied or encoded. */
class Model {
  readonly words: string[] = [];
  private time = 0;
  private sessions: { id: number; active: number; order: number; acked: number; results: Map<number, unknown> }[] = [];
  private order = 0;

  apply(index: number, command: WordCommand): unknown {
    if (command.type !== 'plain') {
      this.time = Math.max(this.time, command.wallTime);
      this.sessions = this.sessions.filter(({ active }) => this.time - active <= 100);
    }
    switch (command.type) {
      case 'plain':
        return { type: 'applied', index, term: 1, value: this.words.push(command.command) };
      case 'openSession': {
        const idle = [...this.sessions].sort((a, b) => a.order - b.order)[0];
        if (this.sessions.length === 3) this.sessions = this.sessions.filter((session) => session !== idle);
        this.sessions.push({ id: index, active: this.time, order: (this.order += 1), acked: 0, results: new Map() });
        return { type: 'opened', session: index, sessionTimeoutMs: 100, maxResultsPerSession: 4 };
      }
      case 'closeSession':
        this.sessions = this.sessions.filter(({ id }) => id !== command.session);
        return { type: 'closed' };
      case 'keepAlive':
      case 'command':
        return this.applyWithin(index, command);
    }
  }

  private applyWithin(index: number, command: WordCommand & { readonly type: 'keepAlive' | 'command' }): unknown {
    const session = this.sessions.find(({ id }) => id === command.session);
    if (session === undefined) return { type: 'refused', reason: 'noSession' };
    session.active = this.time;
    session.order = this.order += 1;
    session.acked = Math.max(session.acked, command.ackedThrough);
    if (command.type === 'keepAlive') return { type: 'kept' };
    if (command.sequence <= session.acked) return { type: 'refused', reason: 'acknowledged' };
    if (session.results.has(command.sequence)) return session.results.get(command.sequence);
    if (command.sequence > session.acked + 4) return { type: 'refused', reason: 'beyondWindow' };
    const result = { type: 'applied', index, term: 1, value: this.words.push(command.command) };
    session.results.set(command.sequence, result);
    return result;
  }
}

describe('sessions, whatever the log holds', () => {
  test('a machine that is batched, snapshotted and restored at random does what a plain model does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const model = new Model();
        const opened: number[] = [];
        let machine = new WordMachine(LIMITS);
        let batch: WordCommand[] = [];
        let index = 0;
        let now = 1_000;
        const expected: unknown[] = [];
        const flush = async (): Promise<void> => {
          expect(await machine.apply(...batch)).toEqual(expected.splice(0));
          expect(machine.words).toEqual(model.words);
          batch = [];
        };
        const give = (command: WordCommand): void => {
          index += 1;
          if (command.type === 'openSession') opened.push(index);
          batch.push(command);
          expected.push(model.apply(index, command));
        };
        for (const each of steps) {
          const session = 'session' in each ? (opened.at(-1 - each.session) ?? 99_999) : 0;
          switch (each.kind) {
            case 'open':
              give(open(now));
              break;
            case 'plain':
              give(plain(`p${index}`));
              break;
            case 'command':
              give(word(session, each.sequence, `${session}/${each.sequence}`, now, each.acked));
              break;
            case 'keepAlive':
              give(keepAlive(session, now, each.acked));
              break;
            case 'close':
              give(close(session, now));
              break;
            case 'time':
              now += each.ms;
              break;
            case 'batchEnds':
              await flush();
              break;
            case 'restored':
              await flush();
              machine = await machine.restored(LIMITS);
              break;
          }
        }
        await flush();
      }),
      { numRuns: 400 },
    );
  });

  test('no sequence of a session is ever applied twice, and every repeat says what the first one did', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ sequence: fc.integer({ min: 1, max: 5 }), acked: number(2), snapshot: fc.boolean() }), { maxLength: 60 }), async (tries) => {
        let machine = new WordMachine(LIMITS);
        await machine.apply(open(1));
        const firsts = new Map<number, unknown>();
        for (const { sequence, acked, snapshot } of tries) {
          if (snapshot) machine = await machine.restored(LIMITS);
          const result = await machine.one(word(1, sequence, String(sequence), 1, acked));
          if (result?.type !== 'applied') continue;
          if (!firsts.has(sequence)) firsts.set(sequence, result);
          expect(result).toEqual(firsts.get(sequence));
        }
        expect(new Set(machine.words).size).toBe(machine.words.length);
      }),
    );
  });
});
