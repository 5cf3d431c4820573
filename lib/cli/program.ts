import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT } from './exit.js';
import { parseAddress, parseId, parseInteger, parsePeers, type Address } from './parse.js';

/** What the commands do; given by the entry point, so that the command line can be tested without them. */
export interface Actions {
  serve(options: ServeFlags): Promise<number>;
  cluster(options: ClusterFlags): Promise<number>;
}

export interface ServeFlags {
  readonly id: string;
  readonly clusterId: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly http: Address;
  readonly data: string;
  readonly electionTimeoutMs?: number;
  readonly eventBuffer?: number;
  readonly stopTimeoutMs: number;
  readonly logFormat?: 'json' | 'text';
}

export interface ClusterFlags {
  readonly data: string;
  readonly clusterId: string;
  readonly raftPort: number;
  readonly httpPort: number;
  readonly all: boolean;
  readonly check: boolean;
  readonly keys: number;
  readonly deadlineS: number;
}

export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs the command line (without interpreter and script). Resolves with the exit code; rejects with what an action throws. */
export async function runProgram(args: readonly string[], version: string, actions: Actions, streams: Streams): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('rxraft')
    .description('A replicated key-value store on rxraft: one node, or a cluster of three to try it.')
    .version(version)
    .configureOutput({ writeOut: streams.out, writeErr: streams.err })
    .showHelpAfterError('(--help tells more)')
    .exitOverride();
  program.addCommand(
    serveCommand(async (flags) => {
      exitCode = await actions.serve(flags);
    }),
  );
  program.addCommand(
    clusterCommand(async (flags) => {
      exitCode = await actions.cluster(flags);
    }),
  );
  for (const command of program.commands) command.copyInheritedSettings(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return exitCode;
}

function serveCommand(action: (flags: ServeFlags) => Promise<void>): Command {
  return new Command('serve')
    .description('Run one node: Raft on durable storage and TCP, the store over HTTP.')
    .requiredOption('--id <id>', 'name of this node; never changes for a data directory', parsed(parseId))
    .requiredOption('--peers <id=host:port,…>', 'Raft address of every node, this one included; the same on all of them', parsed(parsePeers))
    .requiredOption('--data <directory>', 'where log, vote and snapshots lie; one directory for each node')
    .addOption(new Option('--http <host:port>', 'where to serve HTTP; port 0 takes any free one').argParser(parsed(parseAddress)).default({ host: '127.0.0.1', port: 8101 }, '127.0.0.1:8101'))
    .option('--cluster-id <id>', 'keeps clusters apart that share a network', parsed(parseId), 'rxraft')
    .option('--election-timeout-ms <ms>', 'shortest wait without a leader before an election; the longest is twice as much (default: 500)', integer(10, 600_000))
    .option('--event-buffer <count>', 'events kept for clients that lag or come back (default: 16384)', integer(1, 10_000_000))
    .option('--stop-timeout-ms <ms>', 'longest wait for requests in progress at a stop', integer(0, 600_000), 5000)
    .addOption(new Option('--log-format <format>', 'how messages are printed (default: text on a terminal, json elsewhere)').choices(['json', 'text']))
    .addHelpText('after', SERVE_HELP)
    .action(action);
}

function clusterCommand(action: (flags: ClusterFlags) => Promise<void>): Command {
  return new Command('cluster')
    .description('Run three node processes on loopback and watch their transitions. This is what `npm start` does.')
    .option('--data <directory>', 'where the nodes keep their data and logs', '.rxraft')
    .option('--raft-port <first>', 'first of three ports between the nodes', integer(1, 65_533), 7101)
    .option('--http-port <first>', 'first of three ports for HTTP', integer(1, 65_533), 8101)
    .option('--cluster-id <id>', 'name of the cluster', parsed(parseId), 'rxraft-local')
    .option('--all', 'show every event, not only the essential ones', false)
    .option('--check', 'instead, prove it unattended on fresh data: write, kill the leader, restart it, verify every write', false)
    .option('--keys <count>', 'with --check: how many keys to write', integer(100, 10_000_000), 10_000)
    .option('--deadline-s <seconds>', 'with --check: give up after this long', integer(1, 86_400), 180)
    .addHelpText('after', CLUSTER_HELP)
    .action(action);
}

const SERVE_HELP = `
Resources: GET / on the HTTP address lists them.
SIGINT or SIGTERM stops the node in order: requests in progress are answered first; a second one ends it at once.
Exit codes: 0 stopped in order, 1 the node failed or could not start, 2 wrong usage.

Example:
  rxraft serve --id a --peers a=10.0.0.1:7101,b=10.0.0.2:7101,c=10.0.0.3:7101 --data ./data --http 0.0.0.0:8101`;

const CLUSTER_HELP = `
Ctrl-C stops the three processes in order; the next start goes on from the same data.
Exit codes: 0 stopped in order (with --check: everything held), 1 failed, 2 wrong usage, 130 interrupted twice.

Examples:
  npm start                              run, watch, Ctrl-C
  npm start -- --check                   prove it, unattended
  npm start -- --http-port 9000 --all    other ports, every event`;

function integer(min: number, max: number): (text: string) => number {
  return parsed((text) => parseInteger(text, min, max));
}

/** Turns a parser's error into one that commander reports with the option's name. */
function parsed<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}
