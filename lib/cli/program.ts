import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CLIENT_COMMANDS } from './client/commands.js';
import type { ClientCommand } from './client/context.js';
import { OPTIONS, type ClientFlags, type OptionSpec } from './client/flags.js';
import { EXIT } from './exit.js';
import { parseAddress, parseId, parseInteger, parseKnownAddress, parsePeers, type Address, type Peer } from './parse.js';

/** What the commands do; given by the entry point, so that the command line can be tested without them. */
export interface Actions {
  serve(options: ServeFlags): Promise<number>;
  cluster(options: ClusterFlags): Promise<number>;
  client(command: ClientCommand, args: readonly string[], flags: ClientFlags): Promise<number>;
}

export interface ServeFlags {
  readonly id: string;
  readonly clusterId: string;
  readonly peers?: Readonly<Record<string, Peer>>;
  readonly join?: boolean;
  readonly listen?: string;
  readonly http: Address;
  readonly data: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly electionTimeoutMs?: number;
  readonly electionTimeoutMaxMs?: number;
  readonly eventBuffer?: number;
  readonly snapshotEntries?: number;
  readonly keepEntries?: number;
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
    .description('A replicated key-value store on rxraft: run a node, or a cluster of three to try it; watch and steer one that runs.')
    .version(version)
    .configureOutput({ writeOut: streams.out, writeErr: streams.err })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('after', EXIT_CODES)
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
  for (const command of CLIENT_COMMANDS) {
    addClientCommand(program, command, async (args, flags) => {
      exitCode = await actions.client(command, args, flags);
    });
  }
  inheritSettings(program);
  try {
    await program.parseAsync(asksForHelp(args), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return exitCode;
}

/** `help member add` is `member add --help`: commander's own help looks one level deep. */
function asksForHelp(args: readonly string[]): readonly string[] {
  const [first, ...path] = args;
  return first === 'help' && path.length > 1 ? [...path, '--help'] : args;
}

function serveCommand(action: (flags: ServeFlags) => Promise<void>): Command {
  return new Command('serve')
    .description('Run one node: Raft on durable storage and TCP, the store over HTTP.')
    .requiredOption('--id <id>', 'name of this node; never changes for a data directory', parsed(parseId))
    .option('--peers <id=host:port/http-port,…>', 'for a new cluster: Raft address of every node, this one included, and where it serves HTTP (a port, or host:port); the same on all of them', parsed(parsePeers))
    .addOption(new Option('--join', 'for an existing cluster: start empty and wait to be added (rxraft member add)').conflicts('peers'))
    .option('--listen <host:port>', 'where the other nodes reach this one (default: its own address in --peers; needed with --join)', parsed(parseKnownAddress))
    .requiredOption('--data <directory>', 'where log, vote and snapshots lie; one directory for each node')
    .addOption(new Option('--http <host:port>', 'where to serve HTTP; port 0 takes any free one').argParser(parsed(parseAddress)).default({ host: '127.0.0.1', port: 8101 }, '127.0.0.1:8101'))
    .option('--cluster-id <id>', 'keeps clusters apart that share a network', parsed(parseId), 'rxraft')
    .option('--tls-ca <file>', 'with the next two, TLS between the nodes: the authority that signs their certificates, PEM; the same on all of them')
    .option('--tls-cert <file>', 'the certificate of this node, with the URI rxraft://<cluster id>/<node id> among its alternative names')
    .option('--tls-key <file>', 'its private key')
    .option('--election-timeout-ms <ms>', 'shortest wait without a leader before an election; the longest is twice as much (default: 500)', integer(10, 600_000))
    .option('--election-timeout-max-ms <ms>', 'longest such wait, where it shall be another', integer(11, 1_200_000))
    .option('--snapshot-entries <count>', 'take a snapshot after so many entries (default: 100000)', integer(1, 1_000_000_000))
    .option('--keep-entries <count>', 'entries kept behind a snapshot for nodes that lag (default: 10000, at most --snapshot-entries)', integer(0, 1_000_000_000))
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
    .option('--check', 'instead, prove it unattended on fresh data: write, kill the leader, restart it, move leadership, replace a node, verify every write', false)
    .option('--keys <count>', 'with --check: how many keys to write', integer(100, 10_000_000), 10_000)
    .option('--deadline-s <seconds>', 'with --check: give up after this long', integer(1, 86_400), 180)
    .addHelpText('after', CLUSTER_HELP)
    .action(action);
}

/** Adds a command, and the group that it belongs to (`member`) when it is the group's first. */
function addClientCommand(program: Command, spec: ClientCommand, run: (args: readonly string[], flags: ClientFlags) => Promise<void>): void {
  const names = spec.name.split(' ');
  const name = names.pop() ?? '';
  const [groupName] = names;
  let parent = program;
  if (groupName !== undefined) {
    parent = program.commands.find((command) => command.name() === groupName) ?? new Command(groupName).description('Change who is in the cluster.');
    if (!program.commands.includes(parent)) program.addCommand(parent);
  }
  const command = new Command(name).description(spec.summary);
  if (spec.arguments !== '') command.arguments(spec.arguments);
  for (const option of spec.options) command.addOption(optionOf(OPTIONS[option]));
  for (const option of ['json', 'endpoint', 'timeoutS'] as const) command.addOption(optionOf(OPTIONS[option]));
  const width = Math.max(...spec.examples.map(([call]) => call.length));
  const examples = spec.examples.map(([call, why]) => `  ${why === '' ? call : `${call.padEnd(width)}   ${why}`}`);
  command.addHelpText('after', `${EXIT_CODES}\n\nExamples:\n${examples.join('\n')}`);
  command.action(async () => run(command.processedArgs.flat().filter((each): each is string => typeof each === 'string'), command.opts<ClientFlags>()));
  parent.addCommand(command);
}

function optionOf({ flags, description, parse, choices, env }: OptionSpec): Option {
  const option = new Option(flags, description);
  if (parse !== undefined) option.argParser(parsed(parse));
  if (choices !== undefined) option.choices(choices);
  return env === undefined ? option : option.env(env);
}

function inheritSettings(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inheritSettings(command);
  }
}

const EXIT_CODES = `
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 no node answers or there is no leader (try again later),
4 it may or may not have happened (look before you repeat it), 130 interrupted.`;

const SERVE_HELP = `
Resources: GET / on the HTTP address lists them.
HTTP is served without TLS, whatever the nodes speak among themselves.
SIGINT or SIGTERM stops the node in order: requests in progress are answered first; a second one ends it at once.
Exit codes: 0 stopped in order, 1 the node failed or could not start, 2 wrong usage.

Examples:
  rxraft serve --id a --peers a=10.0.0.1:7101/8101,b=10.0.0.2:7101/8101,c=10.0.0.3:7101/8101 --data ./data --http 0.0.0.0:8101
  rxraft serve --id d --join --listen 10.0.0.4:7101 --data ./data --http 0.0.0.0:8101
  rxraft member add d 10.0.0.4:7101 --http 10.0.0.4:8101 --wait --endpoint 10.0.0.1:8101`;

const CLUSTER_HELP = `
Ctrl-C stops the three processes in order; the next start goes on from the same data.
Exit codes: 0 stopped in order (with --check: everything held), 1 failed, 2 wrong usage,
130 ended by a second Ctrl-C (with --check: by the first).

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
