import { execSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ESSENTIAL_EVENTS } from '../lib/server/event-kinds.js';
import { TcpTransport } from '../lib/transport/tcp.js';
import { blocksOf, commandsOf, patternOf, programsOf } from './readme/blocks.js';
import { complaintAbout, wordsOf } from './readme/command-line.js';
import { openWorkshop, type Workshop } from './readme/workshop.js';

const root = resolve(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = blocksOf(readme);
const programs = programsOf(blocks);

/** What prints the examples of `npm start`, without the nodes' addresses. */
const printer = readFileSync(join(root, 'lib/cli/cluster/run-cluster.ts'), 'utf8').replaceAll(/\$\{[^}]*\}/g, '');

describe('the programs of the README', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await openWorkshop(programs);
  }, 120_000);
  afterAll(() => workshop.dispose());

  it('type-check against the package as its users get it', () => {
    expect(workshop.complaints).toEqual([]);
  });

  it.each(programs)(
    'run and print what the README says: line $line',
    async (program) => {
      const printed = await workshop.execute(program);
      if (program.output !== null) expect(printed).toMatch(patternOf(program.output));
    },
    40_000,
  );
});

describe('the rest of the README', () => {
  const { scripts, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<'scripts' | 'exports', Readonly<Record<string, unknown>>>;

  it.each(blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf))('names a command that exists: %s', async (line) => {
    for (const command of line.split(' && ')) {
      const rxraft = rxraftArguments(command);
      expect([command, rxraft === null ? isKnown(command) : await complaintAbout(rxraft)]).toEqual([command, rxraft === null ? true : null]);
    }
  });

  /** What a line calls `rxraft` with; null when it is another command. `npm start` is `rxraft cluster`. */
  function rxraftArguments(command: string): readonly string[] | null {
    const [first, second, ...rest] = wordsOf(command);
    if (first === 'npx' && second === 'rxraft') return rest;
    return first === 'npm' && second === 'start' ? ['cluster', ...rest.slice(1)] : null;
  }

  /** `curl` lines must be those that `npm start` prints; the test of the cluster sends the same requests. */
  function isKnown(command: string): boolean {
    const script = /^npm (?:run )?(test|bench|chaos|simulate|build|lint|typecheck)(?: -- .+)?$/.exec(command)?.[1];
    if (script !== undefined) return script in scripts;
    if (command.startsWith('curl ')) return printer.includes(command.replace(/http:..127\.0\.0\.1:810\d/, ''));
    if (command.startsWith('openssl ')) return certificateCommands.includes(command);
    return command === 'npm ci' || command === 'npm install rxraft rxjs';
  }

  /** What `makes certificates that nodes take` runs, on machines that have OpenSSL 3. */
  const certificateCommands = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf).filter((command) => /^openssl req -x509 .* -out \w+\.pem$/.test(command));

  if (String(spawnSync('openssl', ['version']).stdout).startsWith('OpenSSL 3')) {
    it('makes certificates that nodes take', async () => {
      const cwd = mkdtempSync(join(tmpdir(), 'rxraft-'));
      try {
        for (const command of certificateCommands) execSync(command, { cwd, stdio: 'ignore' });
        const [ca, cert, key] = ['ca.pem', 'a.pem', 'a.key'].map((name) => readFileSync(join(cwd, name), 'utf8'));
        const transport = new TcpTransport({ listen: '127.0.0.1:0', tls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' } });
        await transport.start({ clusterId: 'rxraft', nodeId: 'a' }); // refuses a certificate that isn't its own
        await transport.stop();
      } finally {
        rmSync(cwd, { recursive: true });
      }
    });
  }

  it('shows events as `npm start` prints them', () => {
    const lines = blocks.filter(({ language }) => language === 'text').flatMap(({ code }) => code.split('\n')).filter((line) => /^\d\d:/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const kind = /^\d\d:\d\d:\d\d\.\d{3} {2}[abc] {2}(\w+) +term \d+ {2}\S/.exec(line)?.[1];
      expect(ESSENTIAL_EVENTS).toContain(kind);
    }
  });

  it('has blocks of known languages only, so that none goes unchecked', () => {
    expect([...new Set(blocks.map(({ language }) => language))].filter((language) => !['ts', 'sh', 'text'].includes(language))).toEqual([]);
  });

  it('links to files that exist', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });

  it('links to headings that exist', () => {
    const headings = [...readme.matchAll(/^#+ (.+)$/gm)].map((match) => (match[1] ?? '').toLowerCase().replaceAll(/[^\w\s-]/g, '').replaceAll(' ', '-'));
    const anchors = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? '');
    expect(anchors.filter((anchor) => !headings.includes(anchor))).toEqual([]);
  });

  it('lists every kind of event', () => {
    const source = readFileSync(join(root, 'lib/core/events.ts'), 'utf8');
    const kinds = [...source.matchAll(/^ {2}([A-Z]\w+): \{/gm)].map((match) => match[1] ?? '');
    expect(kinds.filter((kind) => !readme.includes(`\`${kind}\``))).toEqual([]);
  });

  it('names every entry point', () => {
    const entryPoints = Object.keys(exports).filter((key) => key !== './package.json').map((key) => `rxraft${key.slice(1)}`);
    expect(entryPoints.filter((entryPoint) => !readme.includes(`\`${entryPoint}\``))).toEqual([]);
  });

  it('lists every error that rxraft throws', () => {
    const source = readFileSync(join(root, 'lib/ports/errors.ts'), 'utf8');
    const classes = [...source.matchAll(/export class (\w+) extends RaftError/g)].map((match) => match[1] ?? '');
    const rows = [...readme.matchAll(/^\| `([A-Z]\w+Error)`/gm)].map((match) => match[1] ?? '');
    expect(rows.toSorted()).toEqual(classes.toSorted());
  });
});

describe('the reader of code blocks', () => {
  it('joins blocks that continue each other, at their lines, with all that they print', () => {
    const text = ['# t', '```ts', 'a', '```', '```text', '1', '```', 'prose', '', '<!-- continues -->', '', '```ts', 'b', '```', '```text', '2', '```', '```sh', 'x', '```', '```text', 'no', '```'];
    expect(programsOf(blocksOf(text.join('\n')))).toEqual([{ line: 3, source: `\n\na${'\n'.repeat(10)}b\n`, output: '1\n2' }]);
  });

  it('reads commands without comments and with continued lines joined', () => {
    const [block] = blocksOf('```sh\n# one\nnpm ci   # two\ncurl \\\n  -s x#y\n```');
    expect(block === undefined ? [] : commandsOf(block)).toEqual(['npm ci', 'curl -s x#y']);
  });

  it('matches output word for word, but for the ellipses', () => {
    expect('term 3 (leader)\n').toMatch(patternOf('term … (leader)'));
    expect('a\nx\ny\nb\n').toMatch(patternOf('a\n…\nb'));
    expect('a\nb\n').toMatch(patternOf('a\n…\nb'));
    expect('term 3 (leader)\nmore\n').not.toMatch(patternOf('term … (leader)'));
    expect('term\n').not.toMatch(patternOf('t.rm'));
  });
});
