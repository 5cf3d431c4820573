import { readFileSync, readdirSync } from 'node:fs';
import { join, posix, resolve, sep } from 'node:path';
import { checkFloors, unusedDependencies, type Sources } from './floors/check-floors.js';

const root = resolve(__dirname, '..');

const DEPENDENCIES = ['rxjs', 'msgpackr'];

describe('the floors of lib', () => {
  const sources = readSources();

  it('stand: every import points to its own floor or a lower one, without cycles', () => {
    expect(sources.files.size).toBeGreaterThan(10);
    expect(checkFloors(sources)).toEqual([]);
  });

  it('need every dependency that package.json names', () => {
    expect(unusedDependencies(sources)).toEqual([]);
  });
});

describe('the floor checker', () => {
  const plants: readonly (readonly [planted: string, files: Readonly<Record<string, string>>, complaint: string])[] = [
    ['an import of a higher floor', { 'lib/core/a.ts': `import type { B } from '../ports/b.js';`, 'lib/ports/b.ts': '' }, 'core (floor 0) imports ports (floor 1) above it'],
    ['a re-export of a higher floor', { 'lib/ports/a.ts': `export * from '../node/b.js';`, 'lib/node/b.ts': '' }, 'ports (floor 1) imports node (floor 2) above it'],
    ['a dynamic import of a higher floor', { 'lib/node/a.ts': `await import('../open.js');`, 'lib/open.ts': '' }, 'node (floor 2) imports open.ts (floor 3.5) above it'],
    ['a type that imports a higher floor', { 'lib/node/a.ts': `type T = import('../storage/b.js').T;`, 'lib/storage/b.ts': '' }, 'node (floor 2) imports storage (floor 3) above it'],
    ['testing code in the composition root', { 'lib/index.ts': `export * from './testing/b.js';`, 'lib/testing/b.ts': '' }, 'index.ts (floor 3.5) imports testing (floor 4) above it'],
    ['an adapter that imports an adapter of another port', { 'lib/storage/a.ts': `import '../transport/b.js';`, 'lib/transport/b.ts': '' }, 'adapter storage imports adapter transport'],
    ['a codec that imports an adapter', { 'lib/codec/a.ts': `import '../storage/b.js';`, 'lib/storage/b.ts': '' }, 'adapter codec imports adapter storage'],
    ['an adapter that imports another of the same port', { 'lib/storage/file/a.ts': `import '../memory.js';`, 'lib/storage/memory.ts': '' }, 'adapter storage/file imports adapter storage/memory'],
    ['a third-party import in the core', { 'lib/core/a.ts': `import { map } from 'rxjs';` }, 'core imports rxjs'],
    ['a running part of rxjs in a port', { 'lib/ports/a.ts': `import { type Observable, Subject } from 'rxjs';` }, 'ports imports rxjs for more than its types'],
    ['a third-party driver in the shell', { 'lib/node/a.ts': `import { pack } from 'msgpackr';` }, 'node imports msgpackr'],
    ['a module of Node in the shell', { 'lib/node/a.ts': `import { join } from 'node:path';` }, 'node imports node:path'],
    ['a module of Node in the index', { 'lib/index.ts': `export { join } from 'node:path';` }, 'index.ts imports node:path'],
    ['a file system in the testing floor', { 'lib/testing/a.ts': `import { rmSync } from 'node:fs';` }, 'testing imports node:fs'],
    ['a development dependency', { 'lib/testing/a.ts': `import fc from 'fast-check';` }, 'testing imports fast-check'],
    ['an import of the package by its own name', { 'lib/cli/a.ts': `import { x } from 'rxraft';` }, 'cli imports rxraft'],
    ['a required module', { 'lib/node/a.ts': `const fs = require('node:fs');` }, 'node imports node:fs'],
    ['a computed import', { 'lib/node/a.ts': `await import(name);` }, 'node imports (computed)'],
    ['a dependency that package.json lacks', { 'lib/cli/a.ts': `import { x } from 'commander/y';` }, 'commander/y is neither a dependency nor a peer dependency in package.json'],
    ['a dependency wrapped twice', { 'lib/codec/a.ts': `import 'msgpackr';`, 'lib/codec/b.ts': `import type { T } from 'msgpackr';` }, 'msgpackr is wrapped in more than one file: lib/codec/a.ts, lib/codec/b.ts'],
    ['a cycle of two files', { 'lib/core/a.ts': `import './b.js';`, 'lib/core/b.ts': `import type { A } from './a.js';` }, 'import cycle lib/core/a.ts → lib/core/b.ts → lib/core/a.ts'],
    ['a longer cycle beside innocent files', { 'lib/core/o.ts': `import './c.js';`, 'lib/core/a.ts': `import './b.js';`, 'lib/core/b.ts': `import './leaf.js'; export * from './c.js';`, 'lib/core/c.ts': `import './a.js';`, 'lib/core/leaf.ts': '' }, 'import cycle lib/core/a.ts → lib/core/b.ts → lib/core/c.ts → lib/core/a.ts'],
    ['a file that imports itself', { 'lib/core/a.ts': `import './a.js';` }, 'import cycle lib/core/a.ts → lib/core/a.ts'],
    ['a clock in the core', { 'lib/core/a.ts': `const now = Date.now();` }, 'core uses Date'],
    ['a clock behind globalThis', { 'lib/core/a.ts': `globalThis.performance.now();` }, 'core uses performance'],
    ['chance in the core', { 'lib/core/a.ts': `Math.random();` }, 'core uses Math.random'],
    ['a timer in a port', { 'lib/ports/a.ts': `setTimeout(() => 1, 2);` }, 'ports uses setTimeout'],
    ['a file of more than 300 lines', { 'lib/core/a.ts': '//\n'.repeat(301) }, 'has 301 lines; the bound is 300'],
    ['a relative import without its suffix', { 'lib/core/a.ts': `import './b';`, 'lib/core/b.ts': '' }, `'./b' names no file of lib (relative imports end in .js)`],
    ['an import from outside lib', { 'lib/core/a.ts': `import '../../spec/b.js';` }, `'../../spec/b.js' names no file of lib (relative imports end in .js)`],
    ['a folder that the design does not know', { 'lib/util/a.ts': '' }, 'stands in no known folder of lib'],
  ];

  it.each(plants)('finds %s', (_planted, files, complaint) => {
    expect(checkFloors(planted(files)).map((violation) => violation.replace(/^\S+:\d+: /, ''))).toEqual([complaint]);
  });

  it('says where', () => {
    expect(checkFloors(planted({ 'lib/core/a.ts': `// a comment\n\nimport { map } from 'rxjs';` }))).toEqual(['lib/core/a.ts:3: core imports rxjs']);
  });

  it('accepts what the design allows', () => {
    const files = {
      'lib/core/a.ts': `import './b.js'; // not Date.now()\nconst text = 'Math.random()'; const max = Math.max(clock.setTimeout, { Date: 1 }.Date);`,
      'lib/core/b.ts': '//\n'.repeat(300),
      'lib/ports/a.ts': `import type { Observable } from 'rxjs'; import { type A } from '../core/a.js';`,
      'lib/node/a.ts': `import { map } from 'rxjs'; import { A } from '../ports/a.js'; performance.now();`,
      'lib/codec/a.ts': `import { pack } from 'msgpackr';`,
      'lib/storage/file.ts': `export * from './file/store.js';`,
      'lib/storage/file/store.ts': `import '../../codec/a.js'; import 'node:fs'; import '../frame.js';`,
      'lib/storage/memory.ts': `import './frame.js';`,
      'lib/storage/frame.ts': '',
      'lib/open.ts': `import './storage/file.js'; import './storage/memory.js'; import 'node:path';`,
      'lib/index.ts': `export * from './open.js'; export type * from './ports/a.js';`,
      'lib/testing/a.ts': `import assert from 'node:assert/strict'; import '../index.js'; import '../storage/memory.js';`,
      'lib/cli/main.ts': `import { Command } from 'commander'; import '../server/a.js'; import { readFileSync } from 'node:fs';`,
      'lib/server/a.ts': `import { map } from 'rxjs'; import { tap } from 'rxjs/operators';`,
    };
    expect(checkFloors(planted(files, [...DEPENDENCIES, 'commander']))).toEqual([]);
  });

  it('names the dependencies that nothing imports', () => {
    expect(unusedDependencies(planted({ 'lib/node/a.ts': `import 'rxjs/operators';` }))).toEqual(['msgpackr']);
  });
});

function planted(files: Readonly<Record<string, string>>, dependencies = DEPENDENCIES): Sources {
  return { files: new Map(Object.entries(files)), dependencies };
}

function readSources(): Sources {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<'dependencies' | 'peerDependencies', Record<string, string>>;
  const paths = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => posix.join('lib', path.replaceAll(sep, '/')));
  return {
    files: new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')])),
    dependencies: [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)],
  };
}
