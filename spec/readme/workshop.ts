import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Program } from './blocks.js';

const root = resolve(__dirname, '../..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

/** A temporary project in which `rxraft` is installed as its users get it: built, behind its `exports`. */
export interface Workshop {
  /** What the compiler says of the programs, each message with the README's line; empty when they are sound. */
  readonly complaints: readonly string[];
  /** Runs one program to its end and gives what it printed. Rejects when it fails or takes longer than 30 s. */
  execute(program: Program): Promise<string>;
  dispose(): void;
}

/** Builds the library and compiles the programs against it. Inside node_modules, so that dependencies resolve. */
export async function openWorkshop(programs: readonly Program[]): Promise<Workshop> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const project = mkdtempSync(join(cache, 'readme-'));
  const installed = join(project, 'node_modules/rxraft');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'package.json'), readFileSync(join(root, 'package.json')));
  // The type check of the library itself is the other specs' business.
  await run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist'), '--noCheck']);

  mkdirSync(join(project, 'src'));
  for (const program of programs) writeFileSync(join(project, 'src', `${nameOf(program)}.ts`), program.source);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(userConfiguration()));
  const complaints = await run(process.execPath, [tsc, '-p', project, '--pretty', 'false']).then(() => [], compilerComplaints);

  return {
    complaints,
    execute: async (program) => {
      const workingDirectory = join(project, `run-${nameOf(program)}`);
      mkdirSync(workingDirectory);
      const options = { cwd: workingDirectory, timeout: 30_000, env: { ...process.env, NO_COLOR: '1' } };
      return (await run(process.execPath, [join(project, 'out', `${nameOf(program)}.js`)], options)).stdout;
    },
    dispose: () => rmSync(project, { recursive: true, force: true }),
  };
}

/** As strict as a careful user's, so that the types that rxraft gives are held to it. */
function userConfiguration(): object {
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'out',
  };
  return { compilerOptions, include: ['src'] };
}

function compilerComplaints(failure: unknown): string[] {
  const output = (failure as { readonly stdout?: unknown }).stdout;
  if (typeof output !== 'string' || output.trim() === '') throw failure;
  return output.trim().split('\n').map((line) => line.replace(/^.*?line-\d+\.ts\((\d+),(\d+)\): error /, 'README.md:$1:$2: '));
}

function nameOf(program: Program): string {
  return `line-${program.line}`;
}
