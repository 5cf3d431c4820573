import { createServer } from 'node:net';
import { CliError, EXIT, messageOf } from '../exit.js';

const HOST = '127.0.0.1';
/** Below the range that systems hand out for outgoing connections, so that none of those takes a port while its server restarts. */
const FIRST = 10_000;
const LAST = 32_000;

/** @throws {CliError} that names the first port that is taken and the option to choose another. */
export async function requireFree(ports: readonly number[], what: string, option: string): Promise<void> {
  for (const port of ports) {
    const problem = await tryListen(port);
    if (problem === null) continue;
    throw new CliError(`the ${what} port ${port} on ${HOST} can't be had (${problem}); is another cluster running? Choose others with ${option} <first of three>`, EXIT.usage);
  }
}

/** So many ports that are free at the moment, in a row of tries from a random start. */
export async function findFree(count: number): Promise<number[]> {
  const ports: number[] = [];
  const start = FIRST + Math.floor(Math.random() * (LAST - FIRST));
  for (let i = 0; ports.length < count && i < LAST - FIRST; i += 1) {
    const port = FIRST + ((start - FIRST + i) % (LAST - FIRST));
    if ((await tryListen(port)) === null) ports.push(port);
  }
  if (ports.length < count) throw new CliError(`fewer than ${count} ports of ${HOST} are free`);
  return ports;
}

function tryListen(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(messageOf(error)));
    server.listen(port, HOST, () => server.close(() => resolve(null)));
  });
}
