import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(__dirname, '../..');

/** TypeScript sources as JavaScript that a child process can run. */
export interface Transpiled {
  /** The JavaScript made from `source`, a path from the repository's root such as `lib/storage/file.ts`. */
  file(source: string): string;
  /** A copy of it all in which `source` reads `text`; it is disposed of by itself. */
  variant(source: string, text: string): Transpiled;
  /** Removes it all. */
  dispose(): void;
}

/**
 * Transpiles `entries` (paths from the repository's root) and every file they import, one by one and without type
 * checks, into a directory inside `node_modules`, so that bare imports resolve as usual.
 *
 * ```ts
 * const scripts = transpile(['spec/storage/append-forever.ts']);
 * spawn(process.execPath, [scripts.file('spec/storage/append-forever.ts')]);
 * scripts.dispose();
 * ```
 */
export function transpile(entries: readonly string[]): Transpiled {
  const directory = emptyDirectory();
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');

  const done = new Set<string>();
  const waiting = entries.map((entry) => resolve(ROOT, entry));
  for (let source = waiting.pop(); source !== undefined; source = waiting.pop()) {
    if (done.has(source)) continue;
    done.add(source);
    waiting.push(...emit(source, readFileSync(source, 'utf8'), javaScriptOf(directory, source)));
  }
  return transpiledIn(directory);
}

function transpiledIn(directory: string): Transpiled {
  return {
    file: (source) => javaScriptOf(directory, resolve(ROOT, source)),
    variant: (source, text) => {
      const copy = emptyDirectory();
      cpSync(directory, copy, { recursive: true });
      emit(resolve(ROOT, source), text, javaScriptOf(copy, resolve(ROOT, source)));
      return transpiledIn(copy);
    },
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function emptyDirectory(): string {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, 'rxraft-spec-'));
}

/** Writes one file and returns the sources that it imports when it runs. */
function emit(source: string, text: string, target: string): string[] {
  const { outputText } = ts.transpileModule(text, {
    fileName: source,
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, outputText);
  return ts
    .preProcessFile(outputText)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => resolve(dirname(source), name.replace(/\.js$/, '.ts')));
}

function javaScriptOf(directory: string, source: string): string {
  return join(directory, relative(ROOT, source).replace(/\.ts$/, '.js'));
}
