import { Child } from '../support/child.js';
import { transpile, type Transpiled } from '../support/transpile.js';

const SCRIPT = 'spec/node/children/unhandled.ts';

describe('calls that end early, in a process that listens for what nobody handles', () => {
  let scripts: Transpiled;
  beforeAll(() => {
    scripts = transpile([SCRIPT]);
  });
  afterAll(() => scripts.dispose());

  test('S60 S61 S62 aborts, time-outs, overload, a failing disk, a stop and a rough life leave no rejection unhandled', async () => {
    const { lines, stderr, code } = await Child.node(scripts.file(SCRIPT)).ended;
    expect({ lines, stderr, code }).toEqual({ lines: ['done'], stderr: '', code: 0 });
  }, 30_000);

  test('one that is left unhandled would be seen', async () => {
    const { lines } = await Child.node(scripts.file(SCRIPT), 'control').ended;
    expect(lines).toEqual(['unhandled rejection: Error: control', 'done']);
  }, 30_000);
});
