/**
 * Packs the package, unpacks it beside its dependencies alone, and loads every entry point as a user would:
 * with `import`, with `require()`, and the command by its name.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const project = mkdtempSync(join(tmpdir(), 'rxraft-smoke-'));
const modules = join(project, 'node_modules');
const installed = join(modules, manifest.name);

try {
  install();
  const entryPoints = Object.keys(manifest.exports)
    .filter((key) => !key.endsWith('.json'))
    .map((key) => join(manifest.name, key));
  for (const entryPoint of entryPoints) load(entryPoint);
  const version = run(join(installed, manifest.bin.rxraft), '--version').trim();
  if (version !== manifest.version) throw new Error(`rxraft --version says ${version}; package.json says ${manifest.version}`);
  console.log(`rxraft --version: ${version}`);
  for (const type of ['module', 'commonjs']) isolate(type);
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The tarball as npm would publish it, and links to what it declares; a development dependency is not found. */
function install() {
  mkdirSync(installed, { recursive: true });
  const [{ filename, files }] = JSON.parse(run('npm', 'pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', project));
  run('tar', '-xzf', join(project, filename), '-C', installed, '--strip-components=1');
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  const strays = files.map(({ path }) => path).filter((path) => !/^(dist\/.+\.(js|d\.ts)(\.map)?|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(path));
  if (strays.length > 0) throw new Error(`the tarball holds files that it should not: ${strays.join(', ')}`);
  console.log(`packed ${files.length} files`);
}

/** Both ways must give the same names, and in one process the same objects. */
function load(entryPoint) {
  const name = JSON.stringify(entryPoint);
  const imported = node('module', `import * as all from ${name}; console.log(Object.keys(all).sort().join());`);
  const required = node('commonjs', `console.log(Object.keys(require(${name})).filter((key) => key !== '__esModule').sort().join());`);
  if (imported === '') throw new Error(`${entryPoint} exports nothing`);
  if (imported !== required) throw new Error(`${entryPoint}: import gives ${imported}; require gives ${required}`);
  node('commonjs', `const required = require(${name}); import(${name}).then((imported) => { for (const key of Object.keys(imported)) if (imported[key] !== required[key]) throw new Error('two copies of ' + key); });`);
  console.log(`${entryPoint}: ${imported.split(',').length} exports`);
}

/** A node in a thread of its own finds the thread's code, and the process ends by itself. */
function isolate(type) {
  const code = `
    const live = async ({ openReplicated }) => {
      const node = { id: 'a', peers: { a: '127.0.0.1:1' }, listen: '127.0.0.1:0', dataDir: ${JSON.stringify(join(project, `isolated-${type}`))}, isolate: true };
      const store = await openReplicated({ node, reducer: (sum, by) => sum + by, initial: 0 });
      await store.dispatch(7);
      console.log(store.state.value);
      await store.stop();
    };
    ${type === 'module' ? `import * as all from 'rxraft'; await live(all);` : `live(require('rxraft'));`}`;
  const printed = node(type, code);
  if (printed !== '7') throw new Error(`an isolated node, ${type}: ${printed}`);
  console.log(`isolated, ${type}: it runs`);
}

function node(type, code) {
  return run(process.execPath, '--disable-warning=ExperimentalWarning', `--input-type=${type}`, '--eval', code).trim();
}

function run(command, ...args) {
  return execFileSync(command, args, { cwd: command === 'npm' ? root : project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000 });
}
