#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runCheck } from './check/run-check.js';
import { runClient } from './client/run-client.js';
import { runCluster, type CommandContext } from './cluster/run-cluster.js';
import { CliError, EXIT } from './exit.js';
import { OUTPUT_CLOSED, pause } from './interrupt.js';
import { createLog } from './log.js';
import { runProgram, type Actions, type ServeFlags } from './program.js';
import { serve, type ReadyMessage } from './serve.js';
import { createTerminal } from './terminal.js';

/**
 * How far the heap may grow between two markings: to four times of what lives, the most that V8 gives by itself. It gives a small
 * heap about twice, and begins to mark a young generation (32 MB) before that: with 20 MB alive, after 5 MB more. A node that
 * serves 4,000 puts a second then marks once a second, and takes a second processor for 30 to 70 ms of it.
 */
const HEAP_GROWTH = '--heap-growing-percent=300';

/** The entry point of `rxraft`: signals, streams and exit codes; everything else is in the files it calls. */
const actions: Actions = {
  serve: (flags) => serveUntilSignalled(flags),
  cluster: (flags) => {
    const context: CommandContext = { script: fileURLToPath(import.meta.url), terminal: createTerminal(process.stdout, process.env), interrupt: interruptSignal() };
    if (flags.check) return runCheck({ dataDir: flags.data, keys: flags.keys, deadlineMs: flags.deadlineS * 1000 }, context);
    return runCluster({ dataDir: flags.data, clusterId: flags.clusterId, raftPort: flags.raftPort, httpPort: flags.httpPort, showsAll: flags.all }, context);
  },
  client: (command, args, flags) =>
    runClient(command, args, flags, {
      write: (data) => void process.stdout.write(data),
      terminal: createTerminal(process.stdout, process.env),
      notes: createTerminal(process.stderr, process.env),
      readInput,
      interrupt: interruptSignal,
      pause,
      now: () => performance.now(),
    }),
};

async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function serveUntilSignalled(flags: ServeFlags): Promise<number> {
  setFlagsFromString(HEAP_GROWTH);
  const log = createLog((line) => process.stdout.write(line), flags.logFormat ?? (process.stdout.isTTY ? 'text' : 'json'), () => Date.now());
  const interrupt = interruptSignal();
  const stopped = new Promise<string>((resolve) => {
    interrupt.addEventListener('abort', () => resolve(String(interrupt.reason)));
    process.once('disconnect', () => resolve('the parent process is gone'));
  });
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: error.stack ?? error.message });
    process.exit(EXIT.failed); // what was acknowledged is on disk
  });
  const { data: dataDir, logFormat: _, join: __, peers = null, listen = null, ...rest } = flags;
  const onReady = (message: ReadyMessage): void => void process.send?.(message);
  return serve({ ...rest, peers, listen, dataDir }, log, onReady, stopped);
}

/** Aborted by the first SIGINT, SIGTERM or SIGHUP, or when no one reads the output any more; a second signal ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (reason: string): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));
  process.stdout.on('error', () => controller.abort(OUTPUT_CLOSED));
  return controller.signal;
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

process.stdout.on('error', () => undefined); // a reader that left (`| head`) is no fault; what runs on hears of it by its interrupt signal
try {
  const streams = { out: (text: string) => process.stdout.write(text), err: (text: string) => process.stderr.write(text) };
  process.exitCode = await runProgram(process.argv.slice(2), packageVersion(), actions, streams);
} catch (error) {
  process.stderr.write(`rxraft: ${error instanceof CliError ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
  process.exitCode = error instanceof CliError ? error.exitCode : EXIT.failed;
}
await new Promise<void>((resolve) => process.stdout.write('', () => resolve())); // a reader of a pipe may be slow
// Nothing is left to do; an idle handle (the channel to a parent) must not keep the process.
process.exit();
