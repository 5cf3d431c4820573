/**
 * Uses the directory argv[2] as the seed argv[3] says until it is killed, or for argv[4] operations; tells on stdout, before
 * each, what it does, and after each, in the same order, that it is done.
 */
import { writeSync } from 'node:fs';
import { FileStorage } from '../../../lib/storage/file.js';
import { after, contentOf, nextOperation, perform } from '../crashes/history.js';
import { numbers } from './random.js';

const [path = '', seed = '1', operations = 'Infinity'] = process.argv.slice(2);
const MAX_UNDER_WAY = 8;
// Synchronously: what is in the pipe when the process dies was said.
const say = (line: string): void => void writeSync(1, `${line}\n`);

say('start');
const storage = new FileStorage({ path });
let content = contentOf(await storage.open({ clusterId: 'crash', nodeId: 'a' }));
say('open');
const random = numbers(Number(seed));
const underWay: Promise<void>[] = [];
for (let id = 1; id <= Number(operations); id++) {
  const operation = nextOperation(content, random);
  if (operation.type !== 'write') await Promise.all(underWay.splice(0));
  say(JSON.stringify(operation));
  const done = perform(storage, content, operation, id).then(() => say('done'));
  content = after(content, operation);
  underWay.push(done);
  if (operation.type !== 'write' || underWay.length > MAX_UNDER_WAY) await underWay.shift();
}
await Promise.all(underWay);
await storage.close();
