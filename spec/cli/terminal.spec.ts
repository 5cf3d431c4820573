import { createLog } from '../../lib/cli/log.js';
import { colourStyle, plainStyle, styleFor } from '../../lib/cli/style.js';
import { createTerminal } from '../../lib/cli/terminal.js';
import type { RaftEvent } from '../../lib/core/events.js';

describe('styleFor', () => {
  it.each<[string, boolean, Record<string, string>, boolean]>([
    ['a terminal has colours', true, {}, true],
    ['a file has none', false, {}, false],
    ['NO_COLOR takes them', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR does not', true, { NO_COLOR: '' }, true],
    ['NO_COLOR is stronger than FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['FORCE_COLOR gives them to a file', false, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0 takes them', true, { FORCE_COLOR: '0' }, false],
    ['a dumb terminal has none', true, { TERM: 'dumb' }, false],
  ])('%s', (_, isTerminal, env, hasColours) => {
    expect(styleFor(isTerminal, env)).toBe(hasColours ? colourStyle : plainStyle);
  });
});

describe('a terminal', () => {
  it('prints lines above the progress, and erases it', () => {
    const { written, terminal } = setup(true);
    terminal.progress('1 of 2');
    terminal.line('found');
    terminal.progress('2 of 2, and much more than there is room for');
    terminal.progress('');
    expect(written.join('')).toBe('1 of 2\r\u001b[Kfound\n1 of 2\r\u001b[K2 of 2, and much mor\r\u001b[K');
  });

  it('that no one watches shows no progress', () => {
    const { written, terminal } = setup(false);
    terminal.progress('1 of 2');
    terminal.line('found');
    terminal.line();
    expect(written.join('')).toBe('found\n\n');
  });
});

describe('a log', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const event = { type: 'PeerRecovered', seq: 1, runId: 'r', nodeId: 'a', at: 1, wallTime: at, term: 2, peer: 'b' } as const satisfies RaftEvent;
  const print = (format: 'json' | 'text'): string[] => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), format, () => at);
    log.info('serving', { port: 1, data: './d' });
    log.error('a request failed');
    log.event(event);
    return lines;
  };

  it('is JSON, one object a line, for programs', () => {
    expect(print('json').map((line) => JSON.parse(line) as unknown)).toEqual([
      { time: '2026-01-02T03:04:05.678Z', level: 'info', message: 'serving', port: 1, data: './d' },
      { time: '2026-01-02T03:04:05.678Z', level: 'error', message: 'a request failed' },
      { time: '2026-01-02T03:04:05.678Z', level: 'info', message: 'PeerRecovered', event },
    ]);
  });

  it('is text for people', () => {
    expect(print('text').map((line) => line.slice('03:04:05.678'.length))).toEqual([
      '  info   serving port=1 data=./d\n',
      '  error  a request failed\n',
      `  a  ${'PeerRecovered'.padEnd(25)}  term 2  b is reachable again\n`,
    ]);
  });
});

function setup(isTTY: boolean): { written: string[]; terminal: ReturnType<typeof createTerminal> } {
  const written: string[] = [];
  const output = { isTTY, columns: 21, write: (text: string | Uint8Array) => (written.push(String(text)), true) };
  return { written, terminal: createTerminal(output, {}) };
}
