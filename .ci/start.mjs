// `npm start`: builds what is missing, then runs `rxraft cluster` with the arguments given.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = `${root}dist/cli/main.js`;

/** When the file was last written; 0 when there is none. */
const writtenAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const sources = readdirSync(`${root}lib`, { recursive: true }).filter((name) => name.endsWith('.ts')).map((name) => `${root}lib/${name}`);
const newest = Math.max(...[...sources, `${root}tsconfig.json`, `${root}tsconfig.build.json`, `${root}package.json`].map(writtenAt));

if (writtenAt(main) < newest) {
  console.log(writtenAt(main) === 0 ? 'Building (once) …' : 'Building: the sources have changed …');
  const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`], { stdio: 'inherit' });
  if (status !== 0) {
    rmSync(main, { force: true }); // so that the next start builds again
    console.error('The build failed.');
    process.exit(1);
  }
}

process.argv = [process.execPath, main, 'cluster', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
