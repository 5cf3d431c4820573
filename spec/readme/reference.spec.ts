import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CLIENT_COMMANDS } from '../../lib/cli/client/commands.js';
import { EXIT } from '../../lib/cli/exit.js';
import { DEFAULT_CORE_OPTIONS } from '../../lib/core/options.js';
import { DEFAULT_LIMITS } from '../../lib/node/options.js';
import { DEFAULT_SNAPSHOT_POLICY } from '../../lib/node/snapshots/policy.js';
import { HttpFixture } from '../support/http-fixture.js';
import { complaintAbout, optionsOf, wordsOf } from './command-line.js';

const root = resolve(__dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The rows of the table under this header, each as its cells. */
function rowsUnder(header: string): string[][] {
  const lines = readme.split('\n');
  const rows: string[][] = [];
  for (const [at, line] of lines.entries()) {
    if (line !== header) continue;
    for (let row = at + 2; lines[row]?.startsWith('|') === true; row += 1) rows.push((lines[row] ?? '').split('|').slice(1, -1).map((cell) => cell.trim()));
  }
  if (rows.length === 0) throw new Error(`the README has no table ${header}`);
  return rows;
}

/** What stands between backquotes. */
function codeIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

describe("the README's table of commands", () => {
  const rows = rowsUnder('| command | what it does | options |').map(([command, , options]) => ({ command: (codeIn(command)[0] ?? '').replace('rxraft ', ''), options: codeIn(options) }));
  /** Told of once, above the exit codes. */
  const COMMON = ['--endpoint', '--timeout-s', '--json', '--help'];

  it('has every command', () => {
    expect(rows.map(({ command }) => command).toSorted()).toEqual(['cluster', 'serve', ...CLIENT_COMMANDS.map(({ name }) => name)].toSorted());
    for (const option of COMMON.slice(0, 3)) expect(readme).toMatch(new RegExp(`\`${option}[ \`]`));
  });

  it.each(rows)('has the options of $command, all of them and no others', async ({ command, options }) => {
    expect(options.toSorted()).toEqual((await optionsOf(command)).filter((option) => !COMMON.includes(option)).toSorted());
  });

  it('has every exit code', () => {
    expect(rowsUnder('| exit code | meaning |').map(([code]) => Number(code))).toEqual(Object.values(EXIT));
  });
});

describe("the README's tables of requests", () => {
  let http: HttpFixture;
  beforeAll(async () => (http = await HttpFixture.open()));
  afterAll(() => http.close());
  const requests = [...rowsUnder('| request | what it does | answers |'), ...rowsUnder('| request | body | answers |')].map(([request]) => wordsOf(codeIn(request)[0] ?? ''));

  it.each(requests)('%s %s is there', async (method = '', path = '') => {
    // A stream would not end: that it refuses another method tells of it.
    const reply = path === '/events' ? await http.send('PUT', path) : await http.send(method, path.replace('<key>', 'k'), { body: method === 'PUT' ? 'v' : '{}' });
    if (path === '/events') expect(reply.headers.allow).toBe(method);
    else expect([404, 405]).not.toContain(reply.status);
  });

  it('have every resource that the service lists', async () => {
    const { resources } = (await http.json('/')) as { resources: Readonly<Record<string, string>> };
    const paths = requests.map(([, path]) => path);
    expect(Object.keys(resources).filter((path) => !paths.includes(path))).toEqual([]);
  });
});

describe("the README's table of options", () => {
  const rows = rowsUnder('| option | default | what it is |');
  const numbers: Readonly<Record<string, number>> = { ...DEFAULT_CORE_OPTIONS, ...DEFAULT_LIMITS };
  const shown = (text: string): number => {
    const [amount = '', unit = ''] = text.split(' ');
    return Number(amount.replaceAll(',', '')) * ({ KiB: 2 ** 10, MiB: 2 ** 20 }[unit] ?? 1);
  };

  it.each(Object.keys(numbers).filter((name) => name !== 'stallThresholdMs'))('has %s with its default', (name) => {
    const row = rows.find(([option]) => option === `\`${name}\``);
    expect(shown(row?.[1] ?? 'missing')).toBe(numbers[name]);
    expect(row?.[1]?.endsWith(' ms')).toBe(name.endsWith('Ms'));
  });

  it('has the policy of snapshots', () => {
    const text = rows.find(([option]) => option === '`snapshotPolicy`')?.[1] ?? '';
    const policy = Object.fromEntries([...text.matchAll(/`(\w+)` ([\d,]+(?: MiB)?)/g)].map(([, name, value]) => [name, shown(value ?? '')]));
    expect(policy).toEqual(DEFAULT_SNAPSHOT_POLICY);
  });
});

describe("the README's table of features", () => {
  it.each(rowsUnder('| feature | how | shown by |'))('%s: is shown by tests that exist', (_, __, tests = '') => {
    const targets = [...tests.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) expect([target, /^spec\/.*(\.spec\.ts|[^.]*)$/.test(target), existsSync(join(root, target))]).toEqual([target, true, true]);
  });
});

describe('the check of command lines', () => {
  it('takes what the command line takes, and nothing else', async () => {
    expect(await complaintAbout(wordsOf("put k 'two words' --if-absent"))).toBeNull();
    expect(await complaintAbout(['put', 'k', 'v', '--if-abset'])).toContain("unknown option '--if-abset'");
    expect(await complaintAbout(['member', 'ad', 'd', 'h:1'])).toContain('Did you mean add?');
    expect(await complaintAbout(['--help'])).toContain('Usage: rxraft');
  });

  it('reads words in quotes as one', () => {
    expect(wordsOf(`a 'b  c' --x="d e" f`)).toEqual(['a', 'b  c', '--x=d e', 'f']);
  });
});
