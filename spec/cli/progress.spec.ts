import { Progress } from '../../lib/cli/progress.js';
import { createTerminal } from '../../lib/cli/terminal.js';

function setup(isTTY: boolean): { readonly written: string[]; readonly clock: { now: number }; readonly progress: Progress } {
  const written: string[] = [];
  const clock = { now: 0 };
  const output = { isTTY, columns: 80, write: (text: string | Uint8Array) => (written.push(String(text)), true) };
  return { written, clock, progress: new Progress(createTerminal(output, {}), () => clock.now) };
}

describe('progress', () => {
  it('is a bar for whoever watches, and is gone at the end', () => {
    const { written, progress } = setup(true);
    progress.show(0.25, '1 of 4');
    progress.end();
    expect(written.join('')).toBe('█████░░░░░░░░░░░░░░░  25 %  1 of 4\r\u001b[K');
  });

  it('is a line every half minute where nobody watches', () => {
    const { written, clock, progress } = setup(false);
    for (const seconds of [1, 29, 30, 31, 59, 61, 62, 200]) {
      clock.now = seconds * 1000;
      progress.show(seconds / 200, `${seconds} s`);
    }
    progress.end();
    expect(written).toEqual([' 15 %  30 s\n', ' 30 %  61 s\n', '100 %  200 s\n']);
  });
});
