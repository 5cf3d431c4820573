import { posix } from 'node:path';
import { findCycles } from './cycles.js';
import { parseFile, type Import, type ParsedFile } from './imports.js';

/** The sources of the library by path from the repository's root (`lib/core/ids.ts`), and what package.json lets it depend on. */
export interface Sources {
  readonly files: ReadonlyMap<string, string>;
  readonly dependencies: readonly string[];
}

/** Floors of the design, §2. A folder imports from its own floor and from those below; the composition root stands between 3 and 4. */
const FLOORS: Readonly<Record<string, number>> = {
  core: 0,
  ports: 1,
  node: 2,
  codec: 3,
  storage: 3,
  transport: 3,
  exporters: 3,
  'index.ts': 3.5,
  'open.ts': 3.5,
  isolate: 3.5,
  testing: 4,
  server: 5,
  cli: 5,
};

/** Folders of floor 3 that may import another of the same floor. */
const WITHIN_FLOOR_3: Readonly<Record<string, readonly string[]>> = { storage: ['codec'], transport: ['codec'] };

/** Where each third-party package may appear. Others may appear nowhere; `oneFile` holds a dependency to one wrapper. */
const WRAPPERS: readonly { readonly packages: readonly string[]; readonly units: readonly string[]; readonly oneFile: boolean }[] = [
  { packages: ['rxjs'], units: ['ports', 'node', 'codec', 'storage', 'transport', 'exporters', 'testing', 'server', 'cli', 'isolate', 'index.ts', 'open.ts'], oneFile: false },
  { packages: ['msgpackr'], units: ['codec'], oneFile: true },
  { packages: ['commander'], units: ['cli'], oneFile: true },
];

/** Who may import which of Node's own modules; null means all of them. */
const NODE_MODULES: Readonly<Record<string, readonly string[] | null>> = {
  codec: null,
  storage: null,
  transport: null,
  exporters: null,
  testing: ['node:assert', 'node:assert/strict'],
  server: null,
  cli: null,
  'open.ts': null,
  isolate: null,
};

/** Clock, randomness and timers: the core and the ports have none (design §3). */
const IMPURE = new Set([
  'Date', 'performance', 'Math.random', 'crypto', 'process', 'console', 'fetch',
  'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame',
]);

const MAX_LINES = 300;

/** Every violation as one sentence, `path:line: what is wrong`; empty when the floors stand. */
export function checkFloors(sources: Sources): string[] {
  const parsed = new Map<string, ParsedFile>();
  for (const [path, text] of sources.files) parsed.set(path, parseFile(path, text));
  const violations: string[] = [];
  for (const [path, file] of parsed) {
    if (FLOORS[unitOf(path)] === undefined) violations.push(`${path}:1: stands in no known folder of lib`);
    if (file.lines > MAX_LINES) violations.push(`${path}:1: has ${file.lines} lines; the bound is ${MAX_LINES}`);
    for (const each of file.imports) {
      const problem = isRelative(each) ? checkRelative(path, each, parsed) : checkExternal(path, each, sources.dependencies);
      if (problem !== null) violations.push(`${path}:${each.line}: ${problem}`);
    }
    violations.push(...checkPurity(path, file));
  }
  violations.push(...checkWrappers(parsed));
  for (const cycle of findCycles(graphOf(parsed))) violations.push(`${cycle[0] ?? ''}:1: import cycle ${cycle.join(' → ')}`);
  return violations.sort();
}

function checkRelative(path: string, imported: Import, files: ReadonlyMap<string, ParsedFile>): string | null {
  const target = targetOf(path, imported.specifier);
  if (!imported.specifier.endsWith('.js') || !files.has(target)) return `'${imported.specifier}' names no file of lib (relative imports end in .js)`;
  const [unit, other] = [unitOf(path), unitOf(target)];
  const [floor, otherFloor] = [FLOORS[unit] ?? 0, FLOORS[other] ?? Infinity];
  if (otherFloor > floor) return `${unit} (floor ${floor}) imports ${other} (floor ${otherFloor}) above it`;
  if (unit !== other && floor === 3 && otherFloor === 3 && WITHIN_FLOOR_3[unit]?.includes(other) !== true) return `adapter ${unit} imports adapter ${other}`;
  const [adapter, otherAdapter] = [adapterOf(path), adapterOf(target)];
  if (adapter !== null && otherAdapter !== null && adapter !== otherAdapter) return `adapter ${adapter} imports adapter ${otherAdapter}`;
  return null;
}

function checkExternal(path: string, imported: Import, dependencies: readonly string[]): string | null {
  const unit = unitOf(path);
  const { specifier } = imported;
  if (specifier.startsWith('node:')) {
    const allowed = unit in NODE_MODULES ? NODE_MODULES[unit] : [];
    return allowed === null || allowed?.includes(specifier) === true ? null : `${unit} imports ${specifier}`;
  }
  const name = packageOf(specifier);
  const wrapper = WRAPPERS.find(({ packages }) => packages.includes(name));
  if (wrapper?.units.includes(unit) !== true) return `${unit} imports ${specifier}`;
  if (!dependencies.includes(name)) return `${specifier} is neither a dependency nor a peer dependency in package.json`;
  if (unit === 'ports' && !imported.isTypeOnly) return `ports imports ${specifier} for more than its types`;
  return null;
}

function checkPurity(path: string, file: ParsedFile): string[] {
  if (unitOf(path) !== 'core' && unitOf(path) !== 'ports') return [];
  return file.names.filter(({ name }) => IMPURE.has(name)).map(({ name, line }) => `${path}:${line}: ${unitOf(path)} uses ${name}`);
}

function checkWrappers(files: ReadonlyMap<string, ParsedFile>): string[] {
  const violations: string[] = [];
  for (const { packages, oneFile } of WRAPPERS) {
    const users = [...files].filter(([, file]) => file.imports.some(({ specifier }) => packages.includes(packageOf(specifier)))).map(([path]) => path);
    if (oneFile && users.length > 1) violations.push(`${users[0] ?? ''}:1: ${packages.join(', ')} is wrapped in more than one file: ${users.sort().join(', ')}`);
  }
  return violations;
}

/** Dependencies of package.json that no file of lib imports. */
export function unusedDependencies(sources: Sources): string[] {
  const used = new Set<string>();
  for (const [path, text] of sources.files) for (const { specifier } of parseFile(path, text).imports) used.add(packageOf(specifier));
  return sources.dependencies.filter((name) => !used.has(name));
}

function graphOf(files: ReadonlyMap<string, ParsedFile>): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const [path, file] of files) {
    const targets = file.imports.filter(isRelative).map(({ specifier }) => targetOf(path, specifier));
    graph.set(path, [...new Set(targets)].filter((target) => files.has(target)));
  }
  return graph;
}

function isRelative(imported: Import): boolean {
  return imported.specifier.startsWith('.');
}

/** `lib/core/ids.ts` → `core`; `lib/open.ts` → `open.ts`. */
function unitOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** `rxjs/x` → `rxjs`; `@scope/name/x` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

/** The adapter that a file of storage, transport or exporters belongs to; null for what they share. */
function adapterOf(path: string): string | null {
  return /^lib\/((?:storage|transport|exporters)\/(?:memory|file|tcp|tls))(?:-[^/]*)?(?:\.ts$|\/)/.exec(path)?.[1] ?? null;
}
