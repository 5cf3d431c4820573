import { pathToFileURL } from 'node:url';
import { transpile } from './transpile.js';

/** Stands in for `lib/isolate/worker-url.ts`: a worker thread runs JavaScript, and the specs have none. Import what needs it at the top of a spec. */
const scripts = transpile(['lib/isolate/worker.ts']);
afterAll(() => scripts.dispose());

export const workerUrl = pathToFileURL(scripts.file('lib/isolate/worker.ts'));
