import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { GroupCommit } from './group-commit.js';

/**
 * What Node's HTTP server costs without a store behind it: takes puts and answers them, after it has synced them to a file when
 * one is given. Started with a port and the file's path; says `ready` over IPC.
 */
async function main(): Promise<void> {
  const [port, path] = process.argv.slice(2);
  const log = path === undefined ? null : new GroupCommit(await open(path, 'w'));
  let puts = 0;
  const server = createServer((incoming, outgoing) => {
    const body: Buffer[] = [];
    const answer = (): void => {
      const text = JSON.stringify({ key: incoming.url, revision: (puts += 1) });
      outgoing.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      outgoing.end(text);
    };
    incoming.on('data', (chunk: Buffer) => body.push(chunk));
    incoming.on('end', () => {
      if (log === null) answer();
      else log.append(body).then(answer, (error: unknown) => outgoing.destroy(error as Error));
    });
  });
  const stop = (): never => process.exit(0);
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  server.listen(Number(port), '127.0.0.1', () => process.send?.({ type: 'ready' }));
}

await main();
