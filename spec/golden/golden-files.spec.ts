import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoldenFiles } from './golden-files.js';

describe('committed transcripts', () => {
  let folder: string;
  const { UPDATE_GOLDEN: update, CI: ci } = process.env;
  const restore = (name: string, value: string | undefined): void => {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'golden-'));
    writeFileSync(join(folder, 'S1-x.txt'), 'one\ntwo\nthree\nfour\nfive\nsix\n');
    writeFileSync(join(folder, 'README.md'), '');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    restore('UPDATE_GOLDEN', update);
    restore('CI', ci);
  });

  it('a difference is shown line by line, with what is to be done to accept it', () => {
    const files = new GoldenFiles(folder, false);
    files.check('S1-x', 'one\ntwo\nthree\nfour\nfive\nsix\n');
    expect(() => files.check('S1-x', 'one\ntwo\nthree\nfour\n5\nsix\n')).toThrow(
      'S1-x.txt tells another story:\n\n  …\n  two\n  three\n  four\n- five\n+ 5\n  six\n  \n\nWhen that is what the protocol shall do, accept it with: UPDATE_GOLDEN=1 npx jest spec/golden',
    );
    expect(readFileSync(join(folder, 'S1-x.txt'), 'utf8')).toContain('five');
  });

  it('one that is missing fails, and so does one that no script tells', () => {
    const files = new GoldenFiles(folder, false);
    expect(() => files.check('S2-y', 'one\n')).toThrow('There is no S2-y.txt');
    expect(() => files.checkStale(['S2-y'])).toThrow('No script tells S1-x.txt');
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'S1-x.txt']);
  });

  it.each([
    { UPDATE_GOLDEN: '1', CI: '', accepts: true },
    { UPDATE_GOLDEN: '1', CI: 'false', accepts: true },
    { UPDATE_GOLDEN: '1', CI: 'true', accepts: false },
    { UPDATE_GOLDEN: '', CI: '', accepts: false },
    { UPDATE_GOLDEN: '0', CI: '', accepts: false },
  ])('with UPDATE_GOLDEN=$UPDATE_GOLDEN and CI=$CI what is told now is accepted: $accepts', ({ accepts, ...environment }) => {
    Object.assign(process.env, environment);
    const files = GoldenFiles.fromEnvironment(folder);
    const act = (): void => {
      files.check('S2-y', 'one\n');
      files.checkStale(['S2-y']);
    };
    if (accepts) act();
    else expect(act).toThrow();
    expect(readdirSync(folder).sort()).toEqual(['README.md', accepts ? 'S2-y.txt' : 'S1-x.txt']);
  });
});
